#include "client/log_view.h"

#include <utility>

#include "merkle/proof.h"
#include "merkle/tile.h"
#include "tlog/verifier_key.h"

namespace salus::client {

Result<LogView> LogView::Open(Connection& connection, const audit::PinnedLog& log,
                              const std::optional<audit::KnownCheckpoint>& known) {
  // The pinned policy names the witnesses; the log's key is pinned beside it.
  std::string text = log.policy;
  Result<tlog::Policy> policy = tlog::Policy::Parse(text);
  if (policy && policy->logs().empty()) {
    text.insert(0, "log " + log.log_vkey + "\n");
    policy = tlog::Policy::Parse(text);
  }
  if (!policy) return std::move(policy.error()).WithContext("the pinned policy");
  LogView view(connection, *std::move(policy), log.origin);
  if (known) view.newest_ = *known;
  TRY(const std::string note, connection.Checkpoint());
  TRY_VOID(view.Accept(note));
  return view;
}

Result<audit::KnownCheckpoint> LogView::Accept(const std::string& note) {
  if (note == newest_.note) return newest_;
  const Result<tlog::VerifiedCheckpoint> verified = policy_.Verify(note);
  if (!verified) {
    return VerificationFailed("the log's checkpoint does not verify: " + verified.error().message);
  }
  const tlog::Checkpoint& body = verified->checkpoint;
  if (body.origin != origin_) return VerificationFailed("the checkpoint is of another log");
  audit::KnownCheckpoint fresh{body.size, body.root, note};
  if (newest_.size.value == 0) {
    newest_ = fresh;
    return fresh;
  }
  const bool is_larger = fresh.size > newest_.size;
  const audit::KnownCheckpoint& small = is_larger ? newest_ : fresh;
  const audit::KnownCheckpoint& large = is_larger ? fresh : newest_;
  const merkle::TileHashReader reader(
      large.size, [this](const merkle::TileId& id) { return connection_->Tile(id); });
  TRY(const merkle::ConsistencyProof proof,
      merkle::ProveConsistency(small.size, large.size, reader));
  if (!proof.Verify(small.size, large.size, small.root, large.root)) {
    return VerificationFailed(
        "the log has signed two histories: its tree of " + std::to_string(large.size.value) +
        " entries does not begin with the one of " + std::to_string(small.size.value) +
        " that was seen before. Keep both checkpoints, and call the data protection officer");
  }
  if (is_larger) newest_ = fresh;
  return fresh;
}

}  // namespace salus::client
