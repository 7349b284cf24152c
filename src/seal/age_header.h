// AgeHeader is the textual beginning of a sealed file: a stanza for each recipient, and a MAC over
// them all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crypto/sha256.h"
#include "seal/buffered_source.h"
#include "seal/recipient.h"

namespace salus::seal {

inline constexpr std::string_view kAgeVersionLine = "age-encryption.org/v1";
inline constexpr std::size_t kMaxHeaderBytes = std::size_t{16} << 20;
inline constexpr std::size_t kMaxStanzas = 20'000;

// Source: C2SP age.md, "Header".
// Shape:  text of at most 16 MiB and 20,000 stanzas, since each costs its reader a key agreement
//         before anything is authenticated; arguments of at most 4,000 characters together.
class AgeHeader {
 public:
  // Read takes exactly the header from source; what follows it is the payload.
  //
  // Errors: VerificationFailed, with what is wrong and in which line, for all that is no header of
  // this version; ResourceExhausted beyond the limits.
  static Result<AgeHeader> Read(BufferedSource& source);

  // Make computes the MAC over stanzas.
  static AgeHeader Make(std::vector<Stanza> stanzas, const FileKey& key);

  std::span<const Stanza> stanzas() const { return stanzas_; }
  // Has says whether there is a stanza of that type.
  bool Has(std::string_view type) const;
  std::size_t size_bytes() const { return text_.size(); }

  // Errors: VerificationFailed when the MAC is not this key's.
  Result<void> Verify(const FileKey& key) const;

  const std::string& text() const { return text_; }

 private:
  AgeHeader() = default;

  std::vector<Stanza> stanzas_;
  std::string text_;                    // all of it, with the last line feed
  std::size_t authenticated_size_ = 0;  // of text_, up to and with "---"
  crypto::Hash32 mac_{};
};

}  // namespace salus::seal
