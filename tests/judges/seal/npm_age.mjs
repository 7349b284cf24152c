// npm's age-encryption as a program: JSON lines in, JSON lines out, files by path.
// {"op": "seal" | "open", "in", "out", "recipients": [...], "identities": [...], "passphrase",
//  "armor": bool, "stream": bool}; {"op": "keygen"}; {"op": "kit", "out": FOLDER} writes the files
// of cctv-age there.
import {webcrypto} from 'node:crypto';
import {createReadStream, createWriteStream} from 'node:fs';
import {readFile, writeFile} from 'node:fs/promises';
import {createInterface} from 'node:readline';
import {Readable, Writable} from 'node:stream';

globalThis.crypto ??= webcrypto;  // not there by itself in Debian's Node 18

async function through(work, request) {
  if (!request.stream) return writeFile(request.out, await work(await readFile(request.in)));
  const output = await work(Readable.toWeb(createReadStream(request.in)));
  await output.pipeTo(Writable.toWeb(createWriteStream(request.out)));
}

async function seal(age, request) {
  const encrypter = new age.Encrypter();
  for (const recipient of request.recipients ?? []) encrypter.addRecipient(recipient);
  if (request.passphrase !== undefined) encrypter.setPassphrase(request.passphrase);
  await through(async (input) => {
    const file = await encrypter.encrypt(input);
    return request.armor ? age.armor.encode(file) : file;
  }, request);
}

async function open(age, request) {
  const decrypter = new age.Decrypter();
  for (const identity of request.identities ?? []) decrypter.addIdentity(identity);
  if (request.passphrase !== undefined) decrypter.addPassphrase(request.passphrase);
  await through((input) => decrypter.decrypt(
      request.armor ? age.armor.decode(input.toString('latin1')) : input), request);
}

const operations = {
  seal: async (request) => seal(await import('age-encryption'), request),
  open: async (request) => open(await import('age-encryption'), request),
  keygen: async () => {
    const age = await import('age-encryption');
    const identity = await age.generateX25519Identity();
    return {identity, recipient: await age.identityToRecipient(identity)};
  },
  kit: async (request) => {
    const files = Object.entries(await import('cctv-age'));
    for (const [name, bytes] of files) await writeFile(`${request.out}/${name}`, bytes);
    return {count: files.length};
  },
};

for await (const line of createInterface({input: process.stdin})) {
  const request = JSON.parse(line);
  let answer;
  try {
    answer = {ok: true, ...await operations[request.op](request)};
  } catch (error) {
    answer = {ok: false, error: error.message, missing: error.code === 'ERR_MODULE_NOT_FOUND'};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
