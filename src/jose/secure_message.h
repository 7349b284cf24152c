// The file that two hospitals exchange: signed by its sender, then sealed to its recipient.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/pkcs8.h"
#include "jose/key_view.h"

namespace salus::jose {

// SecureMessageHeader is what the sender signs about the payload.
//
// Shape: sender, recipient and id are 1 to 128 bytes of UTF-8 without control characters, compared
//        byte for byte; id is unique per sender; time has millisecond precision.
struct SecureMessageHeader {
  std::string sender;
  std::string recipient;
  Timestamp time;
  std::string id;
};

// ReplayGuard remembers what was opened, or carried out. The caller owns it, and keeps an id at
// least as long as OpenRules.max_age + max_ahead.
class ReplayGuard {
 public:
  virtual ~ReplayGuard() = default;
  // Accept is called once the signature holds, so that a stranger can't fill the memory. A guard
  // notes the message here, or has its owner note it with its outcome.
  // Errors: AlreadyExists when (sender, id) was noted before.
  virtual Result<void> Accept(std::string_view sender, std::string_view id, Timestamp time) = 0;
};

// SenderKeyLookup returns the P-256 or RSA key that belongs to sender at the time of signing.
// Errors: any; OpenMessage turns all but Unavailable and Internal into VerificationFailed.
using SenderKeyLookup =
    std::function<Result<crypto::PublicKey>(std::string_view sender, Timestamp signed_at)>;

// OpenRules is who opens, and how old or how far ahead a message may be.
struct OpenRules {
  std::string recipient;
  std::chrono::milliseconds max_age = std::chrono::hours(24);
  std::chrono::milliseconds max_ahead = std::chrono::minutes(5);
};

// OpenedMessage is an authentic, fresh message to its reader.
struct OpenedMessage {
  SecureMessageHeader header;
  Bytes payload;
};

// PackMessage signs payload and header, and seals the result to the recipient.
//
// Source: RFC 7515 (ES256, PS256) inside RFC 7516 (ECDH-ES+A256KW on P-256, or RSA-OAEP-256;
//         A256GCM). docs: src/jose/README.md shows the members.
// Shape:  compact JWE with `"cty":"JWS"`, nothing personal in clear. Inside, a compact JWS with typ
//         "salus-message", and sender, recipient, time (RFC 3339, UTC, ms) and id in its protected
//         header, all of them in `crit`, so that a general JWS reader can't overlook them. The
//         recipient is under the signature: whoever opens a message can't seal it on to another.
//         Payload at most 128 MiB.
// Errors: InvalidArgument for a bad header member or a key type of another kind.
Result<Bytes> PackMessage(ByteSpan payload, const SecureMessageHeader& header,
                          SigningKeyView signing_key, EncryptionKeyView recipient_key,
                          RandomSource& random);

// OpenMessage undoes PackMessage.
//
// Errors: VerificationFailed when it is not for this key, was changed, or the signature does not
//         hold; and then, for an authentic message: PermissionDenied for another recipient,
//         FailedPrecondition for a time outside the rules, AlreadyExists for a replay; Unavailable
//         from lookup or guard passes through.
Result<OpenedMessage> OpenMessage(ByteSpan message, DecryptionKeyView own_key,
                                  const SenderKeyLookup& lookup, const OpenRules& rules,
                                  ReplayGuard& guard, const Clock& clock);

}  // namespace salus::jose
