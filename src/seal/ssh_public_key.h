// SshPublicKey is a public key as OpenSSH writes it, of one of the two types that files are sealed
// to.
//
// Source: RFC 4253 section 6.6 (ssh-rsa), RFC 8709 section 4 (ssh-ed25519), RFC 4716 section 3.4.
// Shape:  text "TYPE BASE64 COMMENT", the comment optional; what is coded is type and key in SSH's
//         wire form, in its one encoding. RSA keys as crypto/rsa.h takes them.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"
#include "crypto/ed25519.h"
#include "crypto/rsa.h"

namespace salus::seal {

class SshPublicKey {
 public:
  using Key = std::variant<crypto::Ed25519PublicKey, crypto::RsaPublicKey>;

  // ParseLine reads one line of a .pub file.
  //
  // Errors: InvalidArgument; a type that nothing can be sealed to (ECDSA, DSA, security keys,
  // certificates) is refused by name.
  static Result<SshPublicKey> ParseLine(std::string_view line);
  static Result<SshPublicKey> FromWire(ByteSpan wire);
  explicit SshPublicKey(Key key);

  const Key& key() const { return key_; }
  const Bytes& wire() const { return wire_; }
  std::string_view type() const;
  // ToText is the line without a comment.
  std::string ToText() const;

 private:
  Key key_;
  Bytes wire_;
};

}  // namespace salus::seal
