// ExchangePeers finds the certificate of whoever signed a file.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "api/caller.h"
#include "base/clock.h"
#include "base/result.h"
#include "crypto/pkcs8.h"
#include "pki/path.h"

namespace salus::api {

// ExchangePeer is a sender as its certificate shows it.
struct ExchangePeer {
  Caller caller;
  crypto::PublicKey verifies;
  std::optional<crypto::P256PublicKey> seals;  // what an answer is sealed to
  Timestamp not_before, not_after;
};

// ExchangePeers reads FOLDER/certificates/<hex SHA-256 of leaf>.pem, chains that senders put there.
// A file counts only as far as it leads to the root; anybody may write to the folder.
//
// Threads: one at a time.
class ExchangePeers {
 public:
  // kMaxFailed bounds the memory for files that are no valid chains.
  static constexpr std::size_t kMaxFailed = 10'000;

  // Errors: InvalidArgument when the root is none.
  static Result<ExchangePeers> Create(std::filesystem::path folder, std::string_view root_pem,
                                      std::string origin, const Clock& clock);

  // Find is the newest certificate of the identity that was valid at signed_at.
  //
  // Errors: NotFound.
  Result<ExchangePeer> Find(std::string_view uri, Timestamp signed_at);

 private:
  using Stamp = std::pair<std::filesystem::file_time_type, std::uintmax_t>;

  ExchangePeers(std::filesystem::path folder, pki::TrustStore trust, std::string origin,
                const Clock& clock);
  void Look();
  Result<void> Read(const std::filesystem::path& file);

  const std::filesystem::path folder_;
  pki::TrustStore trust_;
  const std::string origin_;
  const Clock* clock_;
  std::set<std::string> known_;          // names of valid chains
  std::map<std::string, Stamp> failed_;  // the others, as they were when they were read
  std::multimap<std::string, ExchangePeer> by_uri_;
};

}  // namespace salus::api
