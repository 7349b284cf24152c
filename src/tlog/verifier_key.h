// VerifierKey is a public key with the name under which it signs notes, as C2SP writes it.
//
// Source: C2SP signed-note (verifier keys; type 0x01), tlog-cosignature (type 0x04).
// Shape:  NAME+XXXXXXXX+BASE64, eight lower-case hex digits of the key ID, base64 of a type byte
// and 32
//         bytes of Ed25519. Deviation: ECDSA (0x02), RFC 6962 (0x05) and ML-DSA (0x06) keys are not
//         taken; their signatures stand in a note as those of unknown keys, and are passed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "crypto/ed25519.h"

namespace salus::tlog {

// SignatureType is the first byte of a key's encoding. The values are the specification's.
enum class SignatureType : std::uint8_t {
  kEd25519 = 0x01,      // over the text of the note
  kCosignature = 0x04,  // over "cosignature/v1", a time, and the text
};

// CheckKeyName says whether text can name a key: non-empty UTF-8 without Unicode spaces, '+' or
// control characters, 255 bytes at most. Errors: InvalidArgument.
Result<void> CheckKeyName(std::string_view name);

// KeyId is the four bytes by which a signature line names its key; not a secure hash.
struct KeyId {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const KeyId&, const KeyId&) = default;
};

// CosignatureMessage is what a witness signs: at that time, the largest tree it has seen of the
// body's origin is this one. Source: C2SP tlog-cosignature.
std::string CosignatureMessage(std::uint64_t unix_seconds, std::string_view body);

class VerifierKey {
 public:
  // Errors: InvalidArgument for a bad name.
  static Result<VerifierKey> Create(std::string_view name, SignatureType type,
                                    const crypto::Ed25519PublicKey& key);
  // Errors: InvalidArgument, for another type too, and when the key ID is not that of name and key.
  static Result<VerifierKey> Parse(std::string_view vkey);
  std::string ToText() const;

  const std::string& name() const { return name_; }
  KeyId id() const { return id_; }
  SignatureType type() const { return type_; }
  const crypto::Ed25519PublicKey& key() const { return key_; }

  // Verify checks a signature (without its key ID) over the text of a note. Returns the time of a
  // cosignature in seconds since 1970, nullopt for type 0x01. Errors: VerificationFailed.
  Result<std::optional<std::uint64_t>> Verify(std::string_view text, ByteSpan signature) const;

  friend bool operator==(const VerifierKey&, const VerifierKey&) = default;

 private:
  VerifierKey(std::string name, SignatureType type, const crypto::Ed25519PublicKey& key);

  std::string name_;
  SignatureType type_;
  crypto::Ed25519PublicKey key_;
  KeyId id_;
};

}  // namespace salus::tlog
