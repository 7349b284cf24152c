// A share on its way through the host: only the party that it is for can open it, and only in this
// session. Not a public header.
//
// Source: HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM; info
//         "salus peer share 1" || session || sender || recipient, aad the roster's hash and that
//         of the board that showed the recipient's key. Who sent it says the message around it.
// Shape:  CBOR [encapsulated key, ciphertext].
#pragma once

#include "aggregate/peer_roster.h"
#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "crypto/hpke_key.h"

namespace salus::aggregate {

// ShareRoute is what a sealed share is bound to.
struct ShareRoute {
  PeerSessionId session;
  crypto::Hash32 roster;
  crypto::Hash32 board;
  PeerId sender;
  PeerId recipient;
};

// CheckShareKey refuses a key that nothing can be sealed to, before it stops everybody who has a
// share for its owner.
//
// Errors: VerificationFailed.
Result<void> CheckShareKey(ByteSpan public_key);

// Errors: VerificationFailed for a key that nothing can be sealed to.
Result<Bytes> SealPeerShare(const SecretBytes& share, ByteSpan public_key, const ShareRoute& route,
                            RandomSource& random);

// Errors: VerificationFailed, whatever is wrong.
Result<SecretBytes> OpenPeerShare(ByteSpan sealed, const crypto::HpkePrivateKey& key,
                                  const ShareRoute& route);

}  // namespace salus::aggregate
