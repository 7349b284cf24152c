// How fast npm's @divviup/prio3 is, for bench/prio3_bench.py, over bytes as prio3_bench has it.
// Usage: node speed.mjs '[{"name", "vdaf", "measurement"}, ...]' prints a line
// {"name", "operation", "us"} each: the least CPU time of a call over some batches of calls.
// Exit code 77: the npm packages are missing.
import {randomBytes} from 'node:crypto';

let NpmPrio3;
try {
  ({NpmPrio3} = await import('./npm_prio3.mjs'));
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  process.exit(77);
}

const kBatches = 8;
const kBatchUs = 20000;

// The collector's threads count as well.
function cpuUs() {
  const {user, system} = process.cpuUsage();
  return user + system;
}

async function leastUs(call) {
  const batch = async (calls) => {
    const start = cpuUs();
    for (let i = 0; i < calls; ++i) await call();
    return cpuUs() - start;
  };
  await batch(20);  // so that it is compiled before the calls of a batch are counted
  let calls = 1;
  while (await batch(calls) < kBatchUs) calls *= 2;
  let least = Infinity;
  for (let i = 0; i < kBatches; ++i) least = Math.min(least, await batch(calls) / calls);
  return least;
}

for (const {name, vdaf, measurement} of JSON.parse(process.argv[2])) {
  const prio3 = new NpmPrio3(vdaf, 2);
  const nonce = Buffer.alloc(16);
  const verifyKey = Buffer.alloc(16);
  const shard = () => prio3.shard(measurement, nonce, randomBytes(prio3.prio3.randSize));
  const {publicShare, inputShares} = await shard();
  const verify = (j) => prio3.verifyInit(verifyKey, j, nonce, publicShare, inputShares[j]);
  const operations = {shard, leader: () => verify(0), helper: () => verify(1)};
  for (const [operation, call] of Object.entries(operations)) {
    console.log(JSON.stringify({name, operation, us: await leastUs(call)}));
  }
}
