// npm's @divviup/prio3 (VDAF draft-08) judges Salus: reports of either client are verified and
// summed by aggregators of both, in every mixture, and what is false or was changed is refused by
// both. Usage: node judge.mjs PATH_OF_prio3_tool
import {spawn} from 'node:child_process';
import {createHash} from 'node:crypto';
import {createInterface} from 'node:readline';

let passed = 0;
let failed = 0;

let npm;
try {
  npm = await import('./npm_prio3.mjs');
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.log('skipped: judge_prio3_npm: the npm packages are missing; run npm ci in ' +
              'tests/judges/prio3');
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

const salus = spawn(process.argv[2], {stdio: ['pipe', 'pipe', 'inherit']});
const answers = createInterface({input: salus.stdout})[Symbol.asyncIterator]();
async function ask(request) {
  salus.stdin.write(JSON.stringify(request) + '\n');
  const {value, done} = await answers.next();
  if (done) throw new Error('prio3_tool ended');
  const answer = JSON.parse(value);
  if (!answer.ok) {
    const error = new Error(`Salus, ${request.op}: ${answer.error}`);
    error.isRefusal = answer.code === 'verification-failed' || answer.error.endsWith(kNoElement);
    throw error;
  }
  return answer;
}
const kNoElement = ' is not below the modulus';
const kNpmRefusals = ['Verify error', 'decoded an element that is not in the field'];
const isRefusal = (error) => error.isRefusal || kNpmRefusals.includes(error.message);

const hex = (bytes) => Buffer.from(bytes).toString('hex');
const unhex = (text) => Buffer.from(text, 'hex');

// A fixed sequence, so that a failure comes again; what Salus shards is random all the same.
let drawn = 0;
function randomBytes(size) {
  const blocks = [];
  for (let have = 0; have < size; have += 32) {
    blocks.push(createHash('sha256').update(`prio3 judge ${drawn++}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, size);
}
function next(bound) {
  return Number(randomBytes(8).readBigUInt64LE() % BigInt(bound));
}

async function check(name, body) {
  try {
    await body();
    passed += 1;
  } catch (error) {
    failed += 1;
    console.log(`failed: ${name}: ${error.message}`);
  }
}
function must(condition, text) {
  if (!condition) throw new Error(text);
}

// SalusPrio3 has the operations of NpmPrio3, by prio3_tool.
class SalusPrio3 {
  constructor(vdaf, shares) {
    this.about = {vdaf, shares};
  }
  ask(op, request) {
    return ask({op, ...this.about, ...request});
  }
  async shard(measurement, nonce, randomness) {
    const request = {measurement, nonce: hex(nonce)};
    if (randomness) request.randomness = hex(randomness);
    const made = await this.ask('shard', request);
    return {publicShare: unhex(made.public_share), inputShares: made.input_shares.map(unhex)};
  }
  async verifyInit(verifyKey, aggregator, nonce, publicShare, inputShare) {
    const {verifier_share, output_share, joint_rand_seed} = await this.ask('verify_init', {
      aggregator, verify_key: hex(verifyKey), nonce: hex(nonce), public_share: hex(publicShare),
      input_share: hex(inputShare),
    });
    return {state: {output_share, joint_rand_seed}, verifierShare: unhex(verifier_share)};
  }
  async toMessage(verifierShares) {
    return unhex((await this.ask('to_message', {verifier_shares: verifierShares.map(hex)})).message);
  }
  async verifyNext(state, message) {
    return (await this.ask('verify_next', {...state, message: hex(message)})).output_share;
  }
  async aggregate(outputShares) {
    const {aggregate_share} = await this.ask('aggregate', {output_shares: outputShares});
    return unhex(aggregate_share);
  }
  async unshard(aggregateShares, reports) {
    const request = {aggregate_shares: aggregateShares.map(hex), reports};
    return (await this.ask('unshard', request)).result;
  }
}

const histogram = (length, chunk) => ({circuit: 'histogram', length, chunk_length: chunk});
const sum = (bits) => ({circuit: 'sum', max_measurement: 2 ** bits - 1});
const sumVec = (length, bits, chunk) => (
    {circuit: 'sum-vec', max_measurement: 2 ** bits - 1, length, chunk_length: chunk});
// [name, instance, reports, aggregators]
const instances = [
  ['Count', {circuit: 'count'}, 12, 2],
  ['Count, three aggregators', {circuit: 'count'}, 5, 3],
  ['Sum of 1 bit', sum(1), 6, 2],
  ['Sum of 8 bits', sum(8), 12, 2],
  ['Sum of 8 bits, three aggregators', sum(8), 5, 3],
  ['Sum of 13 bits', sum(13), 6, 2],
  ['Sum of 32 bits', sum(32), 4, 2],
  ['Histogram of 2, chunk 1', histogram(2, 1), 6, 2],
  ['Histogram of 10, chunk 4', histogram(10, 4), 10, 2],
  ['Histogram of 10, three aggregators', histogram(10, 4), 4, 3],
  ['Histogram of 100, chunk 10', histogram(100, 10), 4, 2],
  ['Histogram of 1024, chunk 32', histogram(1024, 32), 2, 2],
  ['SumVec of 1 of 1 bit, chunk 1', sumVec(1, 1, 1), 6, 2],
  ['SumVec of 10 of 8 bits, chunk 9', sumVec(10, 8, 9), 5, 2],
  ['SumVec of 7 of 5 bits, one chunk', sumVec(7, 5, 35), 4, 2],
  ['SumVec of 7 of 5 bits, three aggregators', sumVec(7, 5, 6), 3, 3],
  ['SumVec of 100 of 16 bits, chunk 40', sumVec(100, 16, 40), 2, 2],
  ['SumVec of 1000 of 1 bit, chunk 32', sumVec(1000, 1, 32), 2, 2],
];

// The first two have the least and the most, so that the ends of each range are in every sum.
function measure(vdaf, i) {
  const number = (bound) => i === 0 ? 0 : i === 1 ? bound - 1 : next(bound);
  if (vdaf.circuit === 'count') return [number(2)];
  if (vdaf.circuit === 'histogram') return [number(vdaf.length)];
  return Array.from({length: vdaf.length ?? 1}, () => number(vdaf.max_measurement + 1));
}
function addUp(vdaf, measurements) {
  if (vdaf.circuit === 'histogram') {
    return Array.from({length: vdaf.length},
                      (_, bucket) => measurements.filter(([m]) => m === bucket).length);
  }
  return measurements[0].map((_, i) => measurements.reduce((total, m) => total + m[i], 0));
}

// messageOf: the two sides must come to the same message, or both refuse.
async function messageOf(sides, verifierShares) {
  const made = [];
  const refused = [];
  for (const side of sides) {
    try {
      made.push(await side.toMessage(verifierShares));
    } catch (error) {
      if (!isRefusal(error)) throw error;
      refused.push(error);
    }
  }
  if (made.length === 0) throw refused[0];
  must(refused.length === 0, `only one of the two takes it: ${refused[0]?.message}`);
  must(made[0].equals(made[1]), 'the two make different messages');
  return made[0];
}

// verify takes one report to the output shares. `change` alters what aggregators send each other.
async function verify(sides, aggregators, verifyKey, nonce, report, change = {}) {
  const states = [];
  const verifierShares = [];
  for (const [j, aggregator] of aggregators.entries()) {
    const {state, verifierShare} = await aggregator.verifyInit(
        verifyKey, j, nonce, report.publicShare, report.inputShares[j]);
    states.push(state);
    verifierShares.push(verifierShare);
  }
  change.verifierShares?.(verifierShares);
  let message = await messageOf(sides, verifierShares);
  if (change.message) message = change.message(message);
  const outputs = [];
  for (const [j, aggregator] of aggregators.entries()) {
    outputs.push(await aggregator.verifyNext(states[j], message));
  }
  return outputs;
}

// mixtures: every way to give each aggregator to one of the two sides.
function mixtures(sides, shares) {
  const all = [];
  for (let mask = 0; mask < 2 ** shares; ++mask) {
    const who = Array.from({length: shares}, (_, j) => (mask >> j) & 1);
    all.push({who: who.map((w) => w === 0 ? 'Salus' : 'npm').join(', '),
              aggregators: who.map((w) => sides[w])});
  }
  return all;
}

async function honest(name, vdaf, reports, shares, sides) {
  const randomnessBytes = sides[1].prio3.randSize;
  await check(`${name}: the same randomness gives the same bytes`, async () => {
    for (let i = 0; i < reports; ++i) {
      const nonce = randomBytes(16);
      const randomness = randomBytes(randomnessBytes);
      const measurement = measure(vdaf, i);
      const [ours, theirs] = [await sides[0].shard(measurement, nonce, randomness),
                              await sides[1].shard(measurement, nonce, randomness)];
      must(ours.publicShare.equals(theirs.publicShare), `report ${i}: public shares differ`);
      must(ours.inputShares.length === shares && theirs.inputShares.length === shares,
           `report ${i}: not ${shares} shares`);
      for (let j = 0; j < shares; ++j) {
        must(ours.inputShares[j].equals(theirs.inputShares[j]), `report ${i}: share ${j} differs`);
      }
    }
  });
  for (const [client, clientName] of [[sides[0], 'Salus'], [sides[1], 'npm']]) {
    for (const {who, aggregators} of mixtures(sides, shares)) {
      await check(`${name}: client ${clientName}, aggregators ${who}`, async () => {
        const verifyKey = randomBytes(16);
        const measurements = [];
        const outputs = aggregators.map(() => []);
        for (let i = 0; i < reports; ++i) {
          const nonce = randomBytes(16);
          measurements.push(measure(vdaf, i));
          const report = await client.shard(
              measurements[i], nonce, client === sides[1] ? randomBytes(randomnessBytes) : null);
          const made = await verify(sides, aggregators, verifyKey, nonce, report);
          made.forEach((output, j) => outputs[j].push(output));
        }
        const aggregates = [];
        for (const [j, aggregator] of aggregators.entries()) {
          aggregates.push(await aggregator.aggregate(outputs[j]));
        }
        const expected = addUp(vdaf, measurements).join();
        for (const side of sides) {
          must((await side.unshard(aggregates, reports)).join() === expected, 'a wrong sum');
        }
      });
    }
  }
}

function withBitFlipped(bytes, bit = next(bytes.length * 8)) {
  const changed = Buffer.from(bytes);
  changed[bit >> 3] ^= 1 << (bit & 7);
  return changed;
}
// [name, report, change of verify] of all that a client, an aggregator or the network could alter.
function changesOf(report) {
  const list = [];
  for (const [j, share] of report.inputShares.entries()) {
    for (const [place, bit] of [['first', 0], ['any', undefined], ['last', share.length * 8 - 1]]) {
      const inputShares = report.inputShares.slice();
      inputShares[j] = withBitFlipped(share, bit);
      list.push([`the ${place} bit of share ${j}`, {...report, inputShares}]);
    }
    list.push([`a bit of verifier share ${j}`, report, {
      verifierShares: (shares) => shares.splice(j, 1, withBitFlipped(shares[j])),
    }]);
  }
  if (report.publicShare.length > 0) {  // there is joint randomness
    list.push(['the public share',
               {...report, publicShare: withBitFlipped(report.publicShare)}]);
    list.push(['the message', report, {message: (message) => withBitFlipped(message)}]);
  }
  return list;
}

// A report is refused where any step fails; which one is not the same on both sides.
async function mustRefuse(what, ...verification) {
  try {
    await verify(...verification);
  } catch (error) {
    must(isRefusal(error), `${what}: ${error.message}`);
    return;
  }
  throw new Error(`${what}: is taken`);
}

const kLies = [
  ['10^9 as a digit', (encoded) => [1000000000n, ...encoded.slice(1)]],
  ['2 as a digit', (encoded) => [...encoded.slice(0, -1), 2n]],
];

async function hostile(name, vdaf, shares, sides) {
  for (const {who, aggregators} of mixtures(sides, shares)) {
    await check(`${name}: aggregators ${who} refuse what was changed`, async () => {
      for (const [i, client] of sides.entries()) {
        const verifyKey = randomBytes(16);
        const nonce = randomBytes(16);
        const report = await client.shard(
            measure(vdaf, 2), nonce, i === 1 ? randomBytes(client.prio3.randSize) : null);
        await verify(sides, aggregators, verifyKey, nonce, report);  // as it is, it is taken
        for (const [what, changed, change] of changesOf(report)) {
          await mustRefuse(what, sides, aggregators, verifyKey, nonce, changed, change);
        }
        if (report.publicShare.length > 0) {
          await mustRefuse('another nonce', sides, aggregators, verifyKey,
                           withBitFlipped(nonce), report);
        }
      }
    });
    await check(`${name}: aggregators ${who} refuse a lie`, async () => {
      for (const [what, lie] of kLies) {
        const nonce = randomBytes(16);
        const report = await sides[1].shardLie(
            lie, measure(vdaf, 0), nonce, randomBytes(sides[1].prio3.randSize));
        await mustRefuse(what, sides, aggregators, randomBytes(16), nonce, report);
      }
    });
  }
}

for (const [name, vdaf, reports, shares] of instances) {
  const sides = [new SalusPrio3(vdaf, shares), new npm.NpmPrio3(vdaf, shares)];
  await honest(name, vdaf, reports, shares, sides);
  await hostile(name, vdaf, shares, sides);
}

salus.stdin.end();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
