/* The first minutes: the one-time code becomes an admin token, which is shown once and kept nowhere. */

const byId = (id) => document.getElementById(id);
const code = decodeURIComponent(location.hash.slice(1));

// The code leaves the address bar and the history at once.
if (code !== '') history.replaceState(null, '', location.pathname);
byId(code === '' ? 'no-code' : 'ask').hidden = false;

byId('redeem').addEventListener('click', () => void redeem(byId('redeem')));

async function redeem(button) {
  button.disabled = true;
  byId('trouble').hidden = true;
  try {
    const response = await fetch('/v1/setup', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
    const answer = await response.json();
    if (response.ok) show(answer);
    else explain(messageFor(answer));
    button.disabled = answer.code === 'codeNotValid';
  } catch {
    button.disabled = false;
    explain('Rollcall does not answer. Is it still running? Then try again.');
  }
}

for (const button of document.querySelectorAll('[data-copy]')) {
  button.addEventListener('click', () => void copy(byId(button.dataset.copy), button));
}

function messageFor({ code, detail }) {
  if (code === 'codeNotValid') {
    return 'This link was used or is older than an hour. Start Rollcall again to get a new one.';
  }
  return `That did not work: ${detail}.`;
}

function explain(text) {
  byId('trouble').textContent = text;
  byId('trouble').hidden = false;
}

function show({ token, accessPoints }) {
  byId('ask').hidden = true;
  byId('granted').hidden = false;
  byId('token-title').parentElement.classList.add('done');
  byId('token').value = token;
  byId('access-points').replaceChildren(...accessPoints.map(settingsOf));
  byId('wifi').hidden = accessPoints.length === 0;
  byId('commands').textContent = commandsFor(token);
  byId('people').hidden = false;
  byId('token').focus();
  byId('token').select();
  say('The token is ready. Copy it now; it is not shown again.');
}

function settingsOf({ addresses, port, secretFile }) {
  const settings = byId('access-point').content.cloneNode(true);
  const set = (field, text) => {
    settings.querySelector(`[data-field="${field}"]`).textContent = text;
  };
  set('address', addresses.join(' or ') || 'the address of this machine');
  set('port', String(port));
  set('secret', secretFile === null ? 'the one in rollcall.yaml' : `in the file ${secretFile}`);
  return settings;
}

function commandsFor(token) {
  return [
    `TOKEN=${token}`,
    curl('PUT', '/v1/customers/mia', { name: 'Mia Example' }),
    curl('POST', '/v1/customers/mia/passes', { kind: 'unlimited' }),
    curl('PUT', '/v1/devices/00-00-5E-00-53-01', { customerId: 'mia', class: 'phone' }),
  ].join('\n');
}

function curl(method, path, body) {
  const headers = `-H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json'`;
  return `curl -X ${method} ${location.origin}${path} \\\n  ${headers} \\\n  -d '${JSON.stringify(body)}'`;
}

/** The clipboard exists only on https and on this machine; elsewhere the text is selected, ready for Ctrl C. */
async function copy(from, button) {
  const text = from.value ?? from.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.firstChild.textContent = 'Copied';
    say('Copied.');
  } catch {
    getSelection()?.selectAllChildren(from);
    from.focus();
    from.select?.();
    say('Selected. Copy it with Control C.');
  }
}

function say(text) {
  byId('status').textContent = text;
}
