// ChallengeStore answers what an ACME authority asks while it checks that a name is ours. The hook
// of the ACME client puts the answers into a directory; the listeners read them here.
//
// Source: RFC 8555 section 8.3 (HTTP-01), RFC 8737 (TLS-ALPN-01).
// Shape:  DIR/http-01/TOKEN holds a key authorization; DIR/tls-alpn-01/NAME the base64url text of
//         the SHA-256 of one.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/sha256.h"
#include "pki/self_signed.h"

namespace salus::proxy {

inline constexpr std::string_view kHttpChallengePath = "/.well-known/acme-challenge/";

// Threads: safe. Outside of Open and Close nothing touches the disk, so that nobody outside can
// make
//          us read it: the first check is one atomic.
class ChallengeStore {
 public:
  ChallengeStore(std::filesystem::path directory, const Clock& clock, RandomSource& random);
  ChallengeStore(const ChallengeStore&) = delete;
  ChallengeStore& operator=(const ChallengeStore&) = delete;

  // Open empties both folders, making them where they are missing, and begins to answer; Close ends
  // it. Errors: as the file system's.
  Result<void> Open();
  void Close();

  // HttpAnswer is the body for GET kHttpChallengePath + token.
  std::optional<std::string> HttpAnswer(std::string_view token) const;

  // AlpnCertificate is what a client that offers the protocol acme-tls/1 for this name is shown.
  std::shared_ptr<const pki::SelfSignedCertificate> AlpnCertificate(std::string_view name) const;

  // IsToken: 1 to 128 characters of base64url (RFC 8555 section 8.1), and so a safe file name.
  static bool IsToken(std::string_view text);
  // IsAnswer: the token, a full stop, and the base64url text of 32 bytes.
  static bool IsAnswer(std::string_view text, std::string_view token);
  // ParseDigest reads what the hook wrote for TLS-ALPN-01.
  static std::optional<crypto::Hash32> ParseDigest(std::string_view text);

  const std::filesystem::path& directory() const { return directory_; }

 private:
  struct Made {
    crypto::Hash32 digest;
    std::shared_ptr<const pki::SelfSignedCertificate> certificate;
  };

  const std::filesystem::path directory_;
  const Clock& clock_;
  RandomSource& random_;
  std::atomic<bool> is_open_ = false;
  mutable std::mutex mutex_;
  mutable std::map<std::string, Made, std::less<>> made_;  // guarded by mutex_
};

}  // namespace salus::proxy
