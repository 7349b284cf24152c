// npm's @divviup/prio3 as an aggregator and a client, over bytes. It has no reader of shares: what
// it writes to the wire is read here with its own field and its own expansion of seeds.
import {Buffer} from 'node:buffer';
import {webcrypto} from 'node:crypto';

globalThis.crypto ??= webcrypto;  // not there by itself in Debian's Node 18

const {Prio3Count, Prio3Histogram, Prio3Sum, Prio3SumVec} = await import('@divviup/prio3');

const bitsOf = (maximum) => Math.round(Math.log2(maximum + 1));

// makeVdaf takes the instance as our tasks name it: {circuit, max_measurement, length, ...}.
export function makeVdaf(vdaf, shares) {
  const chunkLength = vdaf.chunk_length;
  const bits = bitsOf(vdaf.max_measurement);
  switch (vdaf.circuit) {
    case 'count': return new Prio3Count({shares});
    case 'sum': return new Prio3Sum({shares, bits});
    case 'sum-vec': return new Prio3SumVec({shares, bits, length: vdaf.length, chunkLength});
    case 'histogram': return new Prio3Histogram({shares, length: vdaf.length, chunkLength});
    default: throw new Error(`npm has no ${vdaf.circuit}`);
  }
}

// measurementFor turns our list of numbers into what npm's circuit takes.
export function measurementFor(vdaf, numbers) {
  if (vdaf.circuit === 'count') return numbers[0] === 1;
  return vdaf.circuit === 'sum-vec' ? numbers : numbers[0];
}

export class NpmPrio3 {
  constructor(vdaf, shares) {
    this.instance = vdaf;
    this.prio3 = makeVdaf(vdaf, shares);
    this.flp = this.prio3.flp;
    this.seedBytes = this.prio3.xof.seedSize;
    this.hasJointRand = this.flp.jointRandLen !== 0;
  }

  async shard(measurement, nonce, randomness) {
    const {publicShare, inputShares} = await this.prio3.shard(
        measurementFor(this.instance, measurement), nonce, randomness);
    return {
      publicShare: this.prio3.encodePublicShare(publicShare),
      inputShares: inputShares.map((share) => this.prio3.encodeInputShare(share)),
    };
  }

  // shardLie is a client that proves a statement that is not true: `lie` changes what is encoded.
  async shardLie(lie, measurement, nonce, randomness) {
    const liar = new NpmPrio3(this.instance, this.prio3.shares);
    const encode = liar.flp.encode.bind(liar.flp);
    liar.flp.encode = (honest) => lie(encode(honest));
    return liar.shard(measurement, nonce, randomness);
  }

  async verifyInit(verifyKey, aggregator, nonce, publicShare, inputShare) {
    const {preparationState, preparationShare} = await this.prio3.prepareInit(
        verifyKey, aggregator, null, nonce, this.readPublicShare(publicShare),
        await this.readInputShare(aggregator, nonce, inputShare));
    return {
      state: preparationState,
      verifierShare: this.prio3.encodePreparationShare(preparationShare),
    };
  }

  async toMessage(verifierShares) {
    const message = await this.prio3.unshardPreparationShares(
        null, verifierShares.map((share) => this.readVerifierShare(share)));
    return this.prio3.encodePreparationMessage(message);
  }

  async verifyNext(state, message) {
    return this.prio3.prepareNext(state, {jointRand: message}).outputShare;
  }

  async aggregate(outputShares) {
    return this.prio3.encodeAggregatorShare(this.prio3.aggregate(null, outputShares));
  }

  async unshard(aggregateShares, reports) {
    const shares = aggregateShares.map((share) => this.flp.field.decode(share));
    return [this.prio3.unshard(null, shares, reports)].flat().map(Number);
  }

  readPublicShare(bytes) {
    const parts = [];
    for (let at = 0; at < bytes.length; at += this.seedBytes) {
      parts.push(bytes.subarray(at, at + this.seedBytes));
    }
    return {jointRandParts: parts};
  }

  // A helper's share is the seeds that buildHelperShares takes one helper after the other.
  async readInputShare(aggregator, nonce, bytes) {
    if (aggregator !== 0) {
      const seeds = Buffer.alloc(bytes.length * (this.prio3.shares - 1));
      bytes.copy(seeds, bytes.length * (aggregator - 1));
      return (await this.prio3.buildHelperShares(nonce, seeds))[aggregator - 1];
    }
    const {field, measurementLen, proofLen} = this.flp;
    const split = measurementLen * field.encodedSize;
    const end = split + proofLen * field.encodedSize;
    return {
      measurementShare: field.decode(bytes.subarray(0, split)),
      proofsShare: field.decode(bytes.subarray(split, end)),
      blind: bytes.subarray(end),
    };
  }

  readVerifierShare(bytes) {
    const end = this.flp.verifierLen * this.flp.field.encodedSize;
    return {
      verifiersShare: this.flp.field.decode(bytes.subarray(0, end)),
      jointRandomnessPart: bytes.subarray(end),
    };
  }
}
