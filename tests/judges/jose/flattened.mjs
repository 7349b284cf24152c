// npm's jose signs or verifies one file, with the signature beside it, for sign_judge.py.
// Usage: node flattened.mjs sign PRIVATE_PEM ALG raw|base64url FILE   (the JWS on standard output)
//        node flattened.mjs verify PUBLIC_PEM SIGNATURE FILE          (the protected header; or 1)
// Exit code 77: the npm packages are missing.
import {createPrivateKey, createPublicKey} from 'node:crypto';
import {readFileSync} from 'node:fs';

let jose;
try {
  jose = await import('jose');
} catch {
  process.exit(77);
}

const [action, keyPath, ...rest] = process.argv.slice(2);
const pem = readFileSync(keyPath, 'utf8');
if (action === 'sign') {
  const [alg, form, file] = rest;
  const header = form === 'raw' ? {alg, b64: false, crit: ['b64']} : {alg};
  const signed = await new jose.FlattenedSign(readFileSync(file))
      .setProtectedHeader(header).sign(createPrivateKey(pem));
  delete signed.payload;
  console.log(JSON.stringify(signed));
} else {
  const [signature, file] = rest;
  const jws = JSON.parse(readFileSync(signature, 'utf8'));
  try {
    const read = await jose.flattenedVerify(
        {...jws, payload: readFileSync(file)}, createPublicKey(pem), {crit: {}});
    console.log(JSON.stringify(read.protectedHeader));
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
