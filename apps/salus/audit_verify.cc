// salus audit verify: an evidence file, a data directory, or a server.

#include <fmt/format.h>

#include "apps/salus/audit_commands.h"
#include "apps/salus/data_report.h"
#include "apps/salus/event_rows.h"
#include "apps/salus/published_log.h"
#include "apps/salus/verified_history.h"
#include "codec/rfc3339.h"
#include "merkle/compact_range.h"
#include "merkle/hash.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxEvidenceBytes = 1u << 30;

bool IsSameLog(const audit::PinnedLog& a, const audit::PinnedLog& b) {
  return a.origin == b.origin && a.log_vkey == b.log_vkey && a.receipt_vkey == b.receipt_vkey &&
         a.vrf_key == b.vrf_key;
}

bool HasPlace(Session& session) {
  return session.is_data_place() || !session.TextOr("--server", "SALUS_SERVER").empty();
}

Result<ExitCode> VerifyFile(Session& session, const std::string& path) {
  TRY(const OutputFormat format, session.Format());
  TRY(const std::string bytes, ReadTextFile(path, kMaxEvidenceBytes));
  TRY(const audit::Evidence evidence, audit::DecodeEvidence(AsBytes(bytes)));
  if (HasPlace(session)) {
    TRY(Backend* const place, session.Place(Access::kRead));
    if (!IsSameLog(place->Pinned(), evidence.log)) {
      return VerificationFailed(path +
                                ": the evidence is about another log, or was made with other "
                                "keys, than " +
                                place->where());
    }
  } else {
    session.terminal().Warn(
        "the file is checked against the keys that it names itself: compare "
        "them with those you trust (or name --server or --data): " +
        evidence.log.log_vkey);
  }
  std::optional<crypto::P256PrivateKey> custody_key;
  audit::ReaderKeys keys;
  if (!session.TextOr("--as", "SALUS_AS").empty()) {
    TRY(keys, OpenReaderKeys(session, custody_key));
  }
  Result<audit::VerifiedHistory> history = audit::VerifyEvidence(evidence, keys);
  if (!history) return std::move(history.error()).WithContext(path);
  EventWriter writer(session.terminal(), format);
  for (const audit::VerifiedEvent& event : history->events) writer.Write(event);
  writer.Finish();
  session.terminal().Say(
      "as of " + codec::FormatRfc3339(evidence.asked) + ", proven: " + history->proven,
      Colour::kGreen);
  for (const std::string& warning : history->warnings) session.terminal().Warn(warning);
  return ExitCode::kDone;
}

// A server's public part: every hash tile leads to the signed root, and where entry bundles are
// admitted, every entry is the one that was hashed.
class ServerCheck {
 public:
  ServerCheck(Session& session, Backend& place, const client::PublishedTree& tree)
      : session_(session), place_(place), tree_(tree) {}

  Result<void> Run() {
    const std::uint64_t size = tree_.size().value;
    ProgressBar bar(session_.terminal(), "verifying", "entries", size);
    merkle::CompactRange range;
    for (std::uint64_t n = 0; n * merkle::kTileWidth < size; ++n) {
      const unsigned width = merkle::TileWidthAt(tree_.size(), 0, n);
      const merkle::TileId id{0, n, width};
      TRY(const Bytes bytes, place_.Tile(id));
      TRY(const std::vector<merkle::NodeHash> hashes, merkle::DecodeTile(id, bytes));
      for (const merkle::NodeHash& hash : hashes) range.Append(merkle::LeafHash(hash.bytes()));
      TRY_VOID(CheckBundle(id, hashes));
      bar.Set(n * merkle::kTileWidth + width);
    }
    if (range.Root() == tree_.checkpoint().checkpoint.root) return {};
    return VerificationFailed("the server's tiles do not lead to the root that the log signed");
  }

  std::uint64_t entries() const { return entries_; }

 private:
  Result<void> CheckBundle(const merkle::TileId& id, const std::vector<merkle::NodeHash>& hashes) {
    if (!is_admitted_) return {};
    const Result<Bytes> bundle = place_.Bundle(id);
    if (!bundle) {
      is_admitted_ = false;
      return {};
    }
    TRY(const std::vector<ByteSpan> entries, merkle::ParseBundle(*bundle, id.width));
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::uint64_t index = id.n * merkle::kTileWidth + i;
      if (merkle::HashLeaf(entries[i]).bytes() != hashes[i].bytes()) {
        return VerificationFailed(fmt::format("entry {} is not the one that was signed", index));
      }
      const bool is_parsed_elsewhere = index == 0 || (entries[i].size() > 1 && entries[i][1] == 3);
      if (!is_parsed_elsewhere && !audit::ParseEntry(entries[i])) {
        return VerificationFailed(fmt::format("entry {} is not the encoding of an entry", index));
      }
      ++entries_;
    }
    return {};
  }

  Session& session_;
  Backend& place_;
  const client::PublishedTree& tree_;
  bool is_admitted_ = true;
  std::uint64_t entries_ = 0;
};

Result<ExitCode> VerifyServer(Session& session) {
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  ServerCheck check(session, *place, tree);
  TRY_VOID(check.Run());
  Terminal& terminal = session.terminal();
  if (tree.compared()) {
    terminal.Say(fmt::format("compared with the remembered checkpoint over {} entries",
                             tree.compared()->size.value));
  }
  terminal.Say(fmt::format("the tree of {} entries leads to the signed root; {} entries read",
                           tree.size().value, check.entries()),
               Colour::kGreen);
  if (check.entries() == 0) {
    terminal.Say("the entries themselves are shown to admitted followers only");
  }
  return ExitCode::kDone;
}

}  // namespace

Result<ExitCode> RunAuditVerify(Session& session) {
  const std::string file = session.arguments().Text("FILE");
  if (!file.empty()) return VerifyFile(session, file);
  if (session.is_data_place()) return ReportDataCheck(session);
  return VerifyServer(session);
}

}  // namespace salus::cli
