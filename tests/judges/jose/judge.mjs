// npm's jose judges Salus: each opens and verifies what the other wrote, and refuses what was
// changed on the way. Usage: node judge.mjs PATH_OF_jose_judge
import {spawn} from 'node:child_process';
import {webcrypto} from 'node:crypto';
import {createInterface} from 'node:readline';

const kMessages = 200;
let passed = 0;
let failed = 0;

globalThis.crypto ??= webcrypto;  // not there by itself in Debian's Node 18

let jose;
try {
  jose = await import('jose');
} catch {
  console.log('skipped: jose_npm_judge: the npm packages are missing; run npm ci in tests/judges/jose');
  console.log('0 passed, 0 failed, 1 skipped');
  process.exit(0);
}

const salus = spawn(process.argv[2], {stdio: ['pipe', 'pipe', 'inherit']});
const answers = createInterface({input: salus.stdout})[Symbol.asyncIterator]();
async function ask(request) {
  salus.stdin.write(JSON.stringify(request) + '\n');
  const {value, done} = await answers.next();
  if (done) throw new Error('jose_judge ended');
  return JSON.parse(value);
}

// A fixed sequence, so that a failure comes again.
let seed = 1n;
function next(bound) {
  seed = (seed * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
  return Number((seed >> 33n) % BigInt(bound));
}
function payloadOf(i) {
  const size = i === 0 ? 0 : i === 1 ? 200000 : next(1500);
  return Buffer.from(Array.from({length: size}, () => next(256)));
}
const b64u = (bytes) => Buffer.from(bytes).toString('base64url');

// tamper flips one bit of one part; the bits that base64url leaves unused stay as they are.
function tamper(token) {
  const parts = token.split('.');
  const filled = parts.map((_, i) => i).filter((i) => parts[i] !== '');
  const at = filled[next(filled.length)];
  const bytes = Buffer.from(parts[at], 'base64url');
  bytes[next(bytes.length)] ^= 1 << next(8);
  parts[at] = b64u(bytes);
  return parts.join('.');
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
async function refused(promise) {
  try {
    await promise;
    return false;
  } catch {
    return true;
  }
}

// keysOf makes two pairs, one by each side: [{private, public}] as JWK texts.
async function keysOf(kind, alg) {
  if (kind.startsWith('oct')) {
    const bytes = Buffer.from(Array.from({length: Number(kind.slice(3))}, () => next(256)));
    const text = JSON.stringify({kty: 'oct', k: b64u(bytes)});
    return [{private: text, public: text}];
  }
  const ours = await ask({op: 'generate', kind});
  must(ours.ok, 'generate');
  must(await jose.calculateJwkThumbprint(JSON.parse(ours.public)) === ours.thumbprint,
       'thumbprints differ');
  const options = {extractable: true};
  if (kind === 'X25519') options.crv = 'X25519';
  if (kind === 'P-256' && alg.startsWith('ECDH')) options.crv = 'P-256';
  const pair = await jose.generateKeyPair(alg, options);
  const theirs = {
    private: JSON.stringify(await jose.exportJWK(pair.privateKey)),
    public: JSON.stringify(await jose.exportJWK(pair.publicKey)),
  };
  return [ours, theirs];
}
const load = (text, alg) => jose.importJWK(JSON.parse(text), alg);

const kNpmOnly = 'npm writes, Salus reads';
const signatures = [
  ['ES256', 'P-256'], ['PS256', 'RSA'], ['EdDSA', 'Ed25519'], ['HS256', 'oct32'],
  ['RS256', 'RSA', kNpmOnly],
];
for (const [alg, kind, limit] of signatures) {
  const keys = await keysOf(kind, alg);
  if (limit === undefined) {
    await check(`${alg}: Salus signs, npm verifies`, async () => {
      for (let i = 0; i < kMessages; ++i) {
        const key = keys[i % keys.length];
        const payload = payloadOf(i);
        const made = await ask({op: 'sign', alg, key: key.private, payload: b64u(payload)});
        must(made.ok, `message ${i}: ${made.error}`);
        const publicKey = await load(key.public, alg);
        const options = {algorithms: [alg]};
        const read = await jose.compactVerify(made.token, publicKey, options);
        must(payload.equals(Buffer.from(read.payload)), `message ${i} differs`);
        must(read.protectedHeader.typ === 'judged', 'header differs');
        must(await refused(jose.compactVerify(tamper(made.token), publicKey, options)),
             `changed message ${i} verifies`);
      }
    });
  }
  await check(`${alg}: npm signs, Salus verifies`, async () => {
    for (let i = 0; i < kMessages; ++i) {
      const key = keys[i % keys.length];
      const payload = payloadOf(i);
      const token = await new jose.CompactSign(payload).setProtectedHeader({alg, typ: 'x'})
          .sign(await load(key.private, alg));
      const read = await ask({op: 'verify', alg, key: key.public, token});
      must(read.ok && read.payload === b64u(payload), `message ${i}: ${read.error}`);
      const changed = await ask({op: 'verify', alg, key: key.public, token: tamper(token)});
      must(!changed.ok, `changed message ${i} verifies`);
    }
  });
}

await check('ES256 detached, b64 false: both ways', async () => {
  const keys = await keysOf('P-256', 'ES256');
  for (let i = 0; i < kMessages; ++i) {
    const key = keys[i % keys.length];
    const payload = payloadOf(i);
    const made = await ask(
        {op: 'sign', detached: true, alg: 'ES256', key: key.private, payload: b64u(payload)});
    must(made.ok, `message ${i}: ${made.error}`);
    const [header, , signature] = made.token.split('.');
    const publicKey = await load(key.public, 'ES256');
    await jose.flattenedVerify({protected: header, payload, signature}, publicKey);
    const signed = await new jose.FlattenedSign(payload)
        .setProtectedHeader({alg: 'ES256', b64: false, crit: ['b64']})
        .sign(await load(key.private, 'ES256'));
    const request = {op: 'verify', detached: true, alg: 'ES256', key: key.public,
                     token: `${signed.protected}..${signed.signature}`};
    must((await ask({...request, payload: b64u(payload)})).ok, `message ${i} is refused`);
    must(!(await ask({...request, payload: b64u(Buffer.concat([payload, Buffer.from('x')]))})).ok,
         `changed message ${i} verifies`);
  }
});

const kGcm = ['A256GCM', 'A128GCM'];
const kCbc = ['A128CBC-HS256', 'A256CBC-HS512'];
const managements = [
  ['ECDH-ES', 'P-256'], ['ECDH-ES', 'X25519'], ['ECDH-ES+A128KW', 'P-256'],
  ['ECDH-ES+A256KW', 'P-256'], ['ECDH-ES+A256KW', 'X25519'], ['RSA-OAEP-256', 'RSA'],
  ['A256KW', 'oct32'], ['A128KW', 'oct16'], ['dir', 'oct'], ['RSA-OAEP', 'RSA', kNpmOnly],
];
const sizeOf = {'A128GCM': 16, 'A256GCM': 32, 'A128CBC-HS256': 32, 'A256CBC-HS512': 64};
for (const [alg, kind, limit] of managements) {
  let keys = kind === 'oct' ? [] : await keysOf(kind, alg);
  for (const enc of [...kGcm, ...kCbc]) {
    if (kind === 'oct') keys = await keysOf(`oct${sizeOf[enc]}`, alg);
    const name = `${alg} ${kind} ${enc}`;
    if (limit === undefined && kGcm.includes(enc)) {
      await check(`${name}: Salus seals, npm opens`, async () => {
        for (let i = 0; i < kMessages; ++i) {
          const key = keys[i % keys.length];
          const payload = payloadOf(i);
          const made =
              await ask({op: 'encrypt', alg, enc, key: key.public, payload: b64u(payload)});
          must(made.ok, `message ${i}: ${made.error}`);
          const privateKey = await load(key.private, alg === 'dir' ? enc : alg);
          const options = {keyManagementAlgorithms: [alg], contentEncryptionAlgorithms: [enc]};
          const read = await jose.compactDecrypt(made.token, privateKey, options);
          must(payload.equals(Buffer.from(read.plaintext)), `message ${i} differs`);
          must(await refused(jose.compactDecrypt(tamper(made.token), privateKey, options)),
               `changed message ${i} opens`);
        }
      });
    }
    await check(`${name}: npm seals, Salus opens`, async () => {
      for (let i = 0; i < kMessages; ++i) {
        const key = keys[i % keys.length];
        const payload = payloadOf(i);
        const token = await new jose.CompactEncrypt(payload).setProtectedHeader({alg, enc})
            .encrypt(await load(key.public, alg === 'dir' ? enc : alg));
        const read = await ask({op: 'decrypt', alg, enc, key: key.private, token});
        must(read.ok && read.payload === b64u(payload), `message ${i}: ${read.error}`);
        const changed = await ask({op: 'decrypt', alg, enc, key: key.private,
                                   token: tamper(token)});
        must(!changed.ok, `changed message ${i} opens`);
      }
    });
  }
}

await check('general JSON, four recipients: both ways', async () => {
  const kinds = [['ECDH-ES+A256KW', 'P-256'], ['RSA-OAEP-256', 'RSA'], ['A256KW', 'oct32'],
                 ['ECDH-ES+A256KW', 'X25519']];
  const keys = [];
  for (const [alg, kind] of kinds) keys.push((await keysOf(kind, alg))[0]);
  const enc = 'A256GCM';
  const aad = b64u('origin');
  for (let i = 0; i < kMessages; ++i) {
    const at = i % kinds.length;
    const alg = kinds[at][0];
    const payload = payloadOf(i);
    const made = await ask({op: 'encrypt_general', enc, aad, payload: b64u(payload),
                            recipients: keys.map((k, j) => ({key: k.public, alg: kinds[j][0]}))});
    must(made.ok, `message ${i}: ${made.error}`);
    const read = await jose.generalDecrypt(JSON.parse(made.token),
                                           await load(keys[at].private, alg));
    must(payload.equals(Buffer.from(read.plaintext)), `message ${i} differs`);
    must(Buffer.from(read.additionalAuthenticatedData).toString() === 'origin', 'aad differs');

    const writer = new jose.GeneralEncrypt(payload).setProtectedHeader({enc})
        .setAdditionalAuthenticatedData(Buffer.from('origin'));
    for (let j = 0; j < kinds.length; ++j) {
      writer.addRecipient(await load(keys[j].public, kinds[j][0]))
          .setUnprotectedHeader({alg: kinds[j][0]});
    }
    const message = await writer.encrypt();
    const request = {op: 'decrypt_general', alg, enc, aad, key: keys[at].private};
    const opened = await ask({...request, token: JSON.stringify(message)});
    must(opened.ok && opened.payload === b64u(payload), `message ${i}: ${opened.error}`);
    message.tag = b64u(Buffer.from(message.tag, 'base64url').map((b, j) => j === 3 ? b ^ 1 : b));
    must(!(await ask({...request, token: JSON.stringify(message)})).ok, 'changed message opens');
  }
});

const kSigned = ['sender', 'recipient', 'time', 'id'];
for (const [alg, management, kind] of [['ES256', 'ECDH-ES+A256KW', 'P-256'],
                                       ['PS256', 'RSA-OAEP-256', 'RSA']]) {
  await check(`secure message ${alg} in ${management}: both ways`, async () => {
    const [signer] = await keysOf(kind, alg);
    const [reader] = await keysOf(kind, management);
    const signingKey = await load(signer.private, alg);
    const verificationKey = await load(signer.public, alg);
    const sealingKey = await load(reader.public, management);
    const openingKey = await load(reader.private, management);
    const crit = Object.fromEntries(kSigned.map((name) => [name, true]));
    for (let i = 0; i < kMessages; ++i) {
      const payload = payloadOf(i);
      const made = await ask({op: 'pack', alg, signer: signer.private, reader: reader.public,
                              payload: b64u(payload)});
      must(made.ok, `message ${i}: ${made.error}`);
      const outer = await jose.compactDecrypt(made.token, openingKey);
      const inner = Buffer.from(outer.plaintext).toString();
      const read = await jose.compactVerify(inner, verificationKey, {crit, algorithms: [alg]});
      must(payload.equals(Buffer.from(read.payload)), `message ${i} differs`);
      must(read.protectedHeader.recipient === 'hospital-b', 'header differs');
      must(await refused(jose.compactVerify(inner, verificationKey)),
           'a reader that knows nothing of the header takes the payload');

      const pack = async (recipient) => {
        const jws = await new jose.CompactSign(payload).setProtectedHeader({
          alg, typ: 'salus-message', crit: kSigned, sender: 'hospital-a', recipient,
          time: new Date().toISOString(), id: `${i}`,
        }).sign(signingKey, {crit});
        return new jose.CompactEncrypt(Buffer.from(jws))
            .setProtectedHeader({alg: management, enc: 'A256GCM', cty: 'JWS'}).encrypt(sealingKey);
      };
      const request = {op: 'open', alg, signer: signer.public, reader: reader.private};
      const token = await pack('hospital-b');
      const opened = await ask({...request, token});
      must(opened.ok && opened.payload === b64u(payload), `message ${i}: ${opened.error}`);
      must(!(await ask({...request, token: tamper(token)})).ok, `changed message ${i} opens`);
      must(!(await ask({...request, token: await pack('hospital-c')})).ok,
           'a message to another recipient opens');
    }
  });
}

salus.stdin.end();
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
