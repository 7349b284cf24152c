#include "seal/scrypt_recipient.h"

#include <algorithm>
#include <charconv>
#include <mutex>

#include "codec/base64.h"
#include "crypto/scrypt.h"
#include "seal/file_key_wrap.h"

namespace salus::seal {

namespace {

constexpr char kType[] = "scrypt";
constexpr std::string_view kSaltLabel = "age-encryption.org/v1/scrypt";
constexpr std::size_t kSaltBytes = 16;

Result<SecretArray<32>> WrapKey(const SecretBytes& passphrase, ByteSpan salt, unsigned log_n) {
  Bytes labelled = ToBytes(kSaltLabel);
  Append(labelled, salt);
  return crypto::Scrypt(passphrase, labelled, {log_n, 8, 1});
}

Result<unsigned> ParseLogN(std::string_view text) {
  unsigned log_n = 0;
  const auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), log_n);
  const bool is_number = failed == std::errc() && stop == text.data() + text.size();
  if (!is_number || log_n == 0 || text.front() == '0') {
    return VerificationFailed("the scrypt stanza's work factor is no number");
  }
  if (log_n > kMaxScryptLogN) {
    return VerificationFailed("the file asks for more work and memory than passphrases need: 2^" +
                              std::to_string(log_n));
  }
  return log_n;
}

}  // namespace

Result<Stanza> ScryptRecipient::Wrap(const FileKey& key, RandomSource& random) const {
  const auto salt = random.Array<kSaltBytes>();
  TRY(const SecretArray<32> wrap_key, WrapKey(passphrase_, salt, log_n_));
  return Stanza{
      kType, {codec::Base64RawEncode(salt), std::to_string(log_n_)}, WrapFileKey(wrap_key, key)};
}

Result<std::optional<FileKey>> ScryptIdentity::Unwrap(std::span<const Stanza> stanzas) const {
  const auto found = std::ranges::find(stanzas, kType, &Stanza::type);
  if (found == stanzas.end()) return std::optional<FileKey>();
  if (stanzas.size() != 1) {
    return VerificationFailed("a file with a passphrase must have no other recipient");
  }
  TRY(const Bytes salt, FixedArgument(*found, 2, 0, kSaltBytes));
  TRY(const unsigned log_n, ParseLogN(found->arguments[1]));
  if (found->body.size() != kWrappedKeyBytes) {
    return VerificationFailed("a stanza of the header holds a key of another length");
  }
  // What strangers' files ask for is up to 4 GiB of memory each.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  TRY(const SecretArray<32> wrap_key, WrapKey(passphrase_, salt, log_n));
  return UnwrapFileKey(wrap_key, found->body);
}

}  // namespace salus::seal
