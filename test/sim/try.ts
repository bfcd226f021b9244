import { createPresenceScripts } from '../../src/presence/scripts.ts';
import { Play, virtualTime } from './play.ts';
import { createScenario } from './scenario.ts';
import { Servers } from './servers.ts';
import { compare } from './oracle.ts'; import { brokenInvariants } from './invariants.ts'; import { readLedger } from './ledger.ts';
import { signsOf } from './evidence.ts';
await using servers = await Servers.start();
const scripts = createPresenceScripts(`local function read_time() return tonumber(redis.call('GET', '${virtualTime}')) end`);
const from=Number(process.argv[2]??1), n=Number(process.argv[3]??20); let obs=0, bad=0;
const options:any = JSON.parse(process.argv[4]??'{"faults":[],"weather":false}');
const t0=performance.now();
for (let seed=from; seed<from+n; seed++){ const s=createScenario(seed,options); obs+=s.transmissions.length;
 const p=await new Play(s,servers,scripts).run();
 const ledger=await readLedger(servers.db);
 const broken=[...brokenInvariants(ledger).map(x=>'INV '+x),...compare(s,p,ledger)];
 const m=(x:any)=>x===null?'open':(x/60000).toFixed(2);
 if(broken.length){bad++; console.log('seed',seed,s.faults.map(f=>JSON.stringify(f)).join(' '),'look',s.lookEvery/1000,'rec',s.recordEvery/60000,'settle',s.venue.spaces[0]!.settle); for(const b of broken.slice(0,n===1?99:3))console.log('   ',b);}
 if(n===1){ const who=process.argv[5]??broken[0]?.split(' ')[broken[0].startsWith('INV')?1:0]?.replace(':','');
  console.log(who, JSON.stringify(s.people.find(p=>p.id===who)?.stays.map(x=>[x.spaceId,m(x.from),m(x.to)])));
  console.log(s.venue.accessPoints.map(a=>`${a.name} cad ${a.cadence&&a.cadence/60000} set ${a.isSet} counts ${a.counts} inact ${a.inactivity/1000} err ${a.clockError/1000}`).join('\n'));
  for(const d of p.delivered.filter(d=>d.report.person===who)) console.log('  ',m(d.arrived),d.report.status,m(d.at),d.report.device,d.report.session,'oct',d.report.octets,'lasted',m(d.report.lasted));
  console.log(' signs', signsOf(p.delivered.filter(d=>d.report.person===who)).map(x=>m(x.at)+x.accessPoint.name).join(' '));
  for(const e of ledger.events.filter(e=>e.person===who || e.person===null)) console.log('  ev',e.sequence,e.type,m(e.at),e.checkInId,JSON.stringify(e.data.state),m(e.data.startedAt??null),m(e.data.endedAt??null));
  for(const e of ledger.entries.filter(e=>e.person===who)) console.log('  ci',e.spaceId,e.state,m(e.startedAt),m(e.endedAt),m(e.detectedAt),e.reason);
 }
}
const ms=performance.now()-t0; console.log({bad,ms:ms/n,obs:obs/n});
