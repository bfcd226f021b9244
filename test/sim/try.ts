import { createPresenceScripts } from '../../src/presence/scripts.ts';
import { Play, virtualTime } from './play.ts';
import { createScenario } from './scenario.ts';
import { Servers } from './servers.ts';
await using servers = await Servers.start();
const scripts = createPresenceScripts(`local function read_time() return tonumber(redis.call('GET', '${virtualTime}')) end`);
const n=Number(process.argv[2]??20); let obs=0;
const t0=performance.now();
for (let seed=1; seed<=n; seed++){ const s=createScenario(seed,{faults:[],weather:false}); obs+=s.transmissions.length;
 const p=await new Play(s,servers,scripts).run();
 if(n<4){console.log(s.people.map(p=>JSON.stringify(p.stays)).join('\n')); console.log(p.delivered.length,s.transmissions.length);
 const m=(x:any)=>x===null?null:((x-Date.UTC(2026,10,24,8))/60000).toFixed(1);
 for(const c of await servers.db.read.selectFrom('check_ins').selectAll().orderBy('customer_id').execute()) console.log(c.customer_id,c.space_id,c.state,m(c.started_at),m(c.ended_at),m(c.detected_at));}
}
const ms=performance.now()-t0; console.log({ms:ms/n,obs:obs/n});
