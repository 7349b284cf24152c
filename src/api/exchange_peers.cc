#include "api/exchange_peers.h"

#include <algorithm>

#include "codec/hex.h"
#include "pki/directory_files.h"

namespace salus::api {

Result<ExchangePeers> ExchangePeers::Create(std::filesystem::path folder, std::string_view root_pem,
                                            std::string origin, const Clock& clock) {
  TRY(const pki::Certificate root, pki::Certificate::FromPem(root_pem));
  TRY(pki::TrustStore trust, pki::TrustStore::Create({&root, 1}));
  return ExchangePeers(std::move(folder), std::move(trust), std::move(origin), clock);
}

ExchangePeers::ExchangePeers(std::filesystem::path folder, pki::TrustStore trust,
                             std::string origin, const Clock& clock)
    : folder_(std::move(folder)),
      trust_(std::move(trust)),
      origin_(std::move(origin)),
      clock_(&clock) {}

Result<ExchangePeer> ExchangePeers::Find(std::string_view uri, Timestamp signed_at) {
  Look();
  const ExchangePeer* newest = nullptr;
  const auto [begin, end] = by_uri_.equal_range(std::string(uri));
  for (auto at = begin; at != end; ++at) {
    const ExchangePeer& peer = at->second;
    if (signed_at < peer.not_before || signed_at > peer.not_after) continue;
    if (newest == nullptr || newest->not_before < peer.not_before) newest = &peer;
  }
  if (newest == nullptr) return NotFound("no valid certificate of the sender is in certificates/");
  return *newest;
}

// A file that is no valid chain is looked at again when it has changed: it may be half written, or
// of tomorrow. One that is valid stays: it is named after its certificate.
void ExchangePeers::Look() {
  std::error_code failure;
  for (std::filesystem::directory_iterator at(folder_, failure), end; !failure && at != end;
       at.increment(failure)) {
    const std::string name = at->path().filename().string();
    const bool is_chain = name.size() == 68 && name.ends_with(".pem");
    if (!is_chain || known_.contains(name)) continue;
    std::error_code unknown;
    const Stamp stamp{at->last_write_time(unknown), at->file_size(unknown)};
    const auto failed = failed_.find(name);
    if (failed != failed_.end() && failed->second == stamp) continue;
    if (Read(at->path())) {
      known_.insert(name);
      failed_.erase(name);
      continue;
    }
    // Many names that are nobody's cost time, and lock nobody out.
    if (failed_.size() >= kMaxFailed) failed_.clear();
    failed_[name] = stamp;
  }
}

Result<void> ExchangePeers::Read(const std::filesystem::path& file) {
  TRY(const std::string pem, pki::ReadPublicFile(file));
  TRY(const std::vector<pki::Certificate> chain, pki::Certificate::FromPemBundle(pem));
  TRY(const pki::Certificate leaf,
      pki::ValidatePath(chain, trust_, clock_->Now(), pki::Purpose::kClient, origin_));
  if (codec::HexEncode(leaf.fingerprint()) + ".pem" != file.filename().string()) {
    return InvalidArgument("the file is not named after its certificate");
  }
  TRY(const pki::Identity identity, leaf.identity());
  TRY(std::string uri, identity.ToUri());
  TRY(crypto::PublicKey key, leaf.public_key());
  TRY(const std::optional<crypto::P256PublicKey> seals, leaf.encryption_key());
  by_uri_.emplace(std::move(uri), ExchangePeer{IdentifyCaller(leaf, origin_), std::move(key), seals,
                                               leaf.not_before(), leaf.not_after()});
  return {};
}

}  // namespace salus::api
