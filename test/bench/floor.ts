/**
 * What one Node process can do at most: read a datagram, verify its authenticator, acknowledge it, keep nothing. The
 * service is measured against this in the same run, since machines drift and ratios do not.
 */
import { hash } from 'node:crypto';
import { createSocket } from 'node:dgram';

const HEADER = 20;
const ACCOUNTING_RESPONSE = 5;
const secret = Buffer.from(process.argv[2] ?? '');
const socket = createSocket({ type: 'udp4', recvBufferSize: 8 << 20 });
const answerText = Buffer.alloc(HEADER + secret.length);
secret.copy(answerText, HEADER);

socket.on('message', (request, sender) => {
  if (request.length < HEADER) return;
  const authenticator = Buffer.from(request.subarray(4, HEADER));
  request.fill(0, 4, HEADER);
  // The Request Authenticator covers the packet with 16 zero octets in its place (RFC 2866, section 3).
  if (!hash('md5', Buffer.concat([request, secret]), 'buffer').equals(authenticator)) return;
  answerText[0] = ACCOUNTING_RESPONSE;
  answerText[1] = request[1] ?? 0;
  answerText.writeUInt16BE(HEADER, 2);
  authenticator.copy(answerText, 4);
  const answer = Buffer.from(answerText.subarray(0, HEADER));
  hash('md5', answerText, 'buffer').copy(answer, 4);
  socket.send(answer, 0, HEADER, sender.port, sender.address);
});
socket.bind(0, '127.0.0.1', () => process.stdout.write(`${socket.address().port}\n`));
