#include "jose/algorithm.h"

#include <array>
#include <utility>

namespace salus::jose {
namespace {

template <typename Algorithm, std::size_t N>
using Names = std::array<std::pair<Algorithm, std::string_view>, N>;

constexpr Names<SignatureAlgorithm, 5> kSignatureNames = {{
    {SignatureAlgorithm::kEs256, "ES256"},
    {SignatureAlgorithm::kPs256, "PS256"},
    {SignatureAlgorithm::kEdDsa, "EdDSA"},
    {SignatureAlgorithm::kRs256, "RS256"},
    {SignatureAlgorithm::kHs256, "HS256"},
}};
constexpr Names<KeyManagement, 8> kKeyManagementNames = {{
    {KeyManagement::kEcdhEs, "ECDH-ES"},
    {KeyManagement::kEcdhEsA128Kw, "ECDH-ES+A128KW"},
    {KeyManagement::kEcdhEsA256Kw, "ECDH-ES+A256KW"},
    {KeyManagement::kRsaOaep256, "RSA-OAEP-256"},
    {KeyManagement::kRsaOaep, "RSA-OAEP"},
    {KeyManagement::kA128Kw, "A128KW"},
    {KeyManagement::kA256Kw, "A256KW"},
    {KeyManagement::kDirect, "dir"},
}};
constexpr Names<ContentEncryption, 4> kEncryptionNames = {{
    {ContentEncryption::kA128Gcm, "A128GCM"},
    {ContentEncryption::kA256Gcm, "A256GCM"},
    {ContentEncryption::kA128CbcHs256, "A128CBC-HS256"},
    {ContentEncryption::kA256CbcHs512, "A256CBC-HS512"},
}};

template <typename Algorithm, std::size_t N>
std::string_view Find(const Names<Algorithm, N>& names, Algorithm algorithm) {
  for (const auto& [value, name] : names) {
    if (value == algorithm) return name;
  }
  return "";
}

template <typename Algorithm, std::size_t N>
Result<Algorithm> Parse(const Names<Algorithm, N>& names, std::string_view text) {
  for (const auto& [value, name] : names) {
    if (name == text) return value;
  }
  return InvalidArgument("the algorithm is not one of those that Salus knows");
}

}  // namespace

std::string_view NameOf(SignatureAlgorithm a) { return Find(kSignatureNames, a); }
std::string_view NameOf(KeyManagement a) { return Find(kKeyManagementNames, a); }
std::string_view NameOf(ContentEncryption e) { return Find(kEncryptionNames, e); }

Result<SignatureAlgorithm> ParseSignatureAlgorithm(std::string_view name) {
  return Parse(kSignatureNames, name);
}
Result<KeyManagement> ParseKeyManagement(std::string_view name) {
  return Parse(kKeyManagementNames, name);
}
Result<ContentEncryption> ParseContentEncryption(std::string_view name) {
  return Parse(kEncryptionNames, name);
}

std::size_t KeySizeOf(ContentEncryption encryption) {
  switch (encryption) {
    case ContentEncryption::kA128Gcm:
      return 16;
    case ContentEncryption::kA256Gcm:
    case ContentEncryption::kA128CbcHs256:
      return 32;
    case ContentEncryption::kA256CbcHs512:
      return 64;
  }
  return 0;
}

}  // namespace salus::jose
