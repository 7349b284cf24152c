// salus log checkpoint, prove, check, fsck, export.

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "apps/salus/data_report.h"
#include "apps/salus/log_tasks.h"
#include "apps/salus/published_log.h"
#include "codec/base64.h"
#include "codec/hex.h"
#include "merkle/hash.h"
#include "storage/posix_file_system.h"
#include "tlog/tlog_proof.h"

namespace salus::cli {

namespace {

constexpr std::size_t kMaxProofBytes = 2u << 20;
constexpr std::size_t kMaxEntryFile = 1u << 20;

Result<ExitCode> RunCheckpoint(Session& session) {
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const tlog::Policy policy, audit::PolicyOf(place->Pinned()));
  TRY(const std::string note, place->Checkpoint());
  TRY(const tlog::VerifiedCheckpoint verified, policy.Verify(note));
  session.terminal().Say(fmt::format("signed; {} of {} witnesses cosigned",
                                     verified.cosignatures.size(), policy.witnesses().size()));
  fmt::print("{}", note);
  return ExitCode::kDone;
}

Result<std::uint64_t> NumberOf(Session& session, const std::string& name) {
  const std::string text = session.arguments().Text(name);
  std::uint64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) {
    return session.Usage(name + ": must be a whole number");
  }
  return value;
}

Result<ExitCode> RunProve(Session& session) {
  TRY(const std::uint64_t index, NumberOf(session, "INDEX"));
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  TRY(merkle::InclusionProof proof, tree.ProveInclusion(merkle::LeafIndex{index}));
  TRY(tlog::Note note, tlog::Note::Parse(tree.note()));
  const tlog::TlogProof whole{std::nullopt, merkle::LeafIndex{index}, std::move(proof),
                              std::move(note)};
  TRY(const merkle::LeafHash leaf, tree.LeafAt(merkle::LeafIndex{index}));
  session.terminal().Say("leaf hash " + codec::HexEncode(leaf.bytes()));
  const std::string output = session.arguments().Text("--output");
  if (output.empty()) {
    fmt::print("{}", whole.ToText());
  } else {
    TRY_VOID(WriteTextFile(output, whole.ToText()));
  }
  return ExitCode::kDone;
}

Result<merkle::LeafHash> LeafOf(Session& session) {
  const std::string hex = session.arguments().Text("--leaf");
  const std::string entry = session.arguments().Text("--entry");
  if (hex.empty() == entry.empty()) {
    return session.Usage("say what the proof is about: --leaf HEX or --entry FILE");
  }
  if (!entry.empty()) {
    TRY(const std::string bytes, ReadTextFile(entry, kMaxEntryFile));
    return merkle::HashLeaf(AsBytes(bytes));
  }
  const Result<Bytes> bytes = codec::HexDecode(hex);
  if (!bytes || bytes->size() != 32) return session.Usage("--leaf: 64 hex digits");
  return merkle::LeafHash::FromBytes(*bytes);
}

Result<ExitCode> CheckProof(Session& session, Backend& place, const std::string& path) {
  TRY(const merkle::LeafHash leaf, LeafOf(session));
  TRY(const std::string text, ReadTextFile(path, kMaxProofBytes));
  TRY(const tlog::TlogProof proof, tlog::TlogProof::Parse(text));
  TRY(const tlog::Policy policy, audit::PolicyOf(place.Pinned()));
  TRY(const tlog::VerifiedCheckpoint verified, proof.Verify(leaf, policy));
  session.terminal().Say(
      fmt::format("entry {} is in the log {} of {} entries, {} of {} witnesses", proof.index.value,
                  verified.checkpoint.origin, verified.checkpoint.size.value,
                  verified.cosignatures.size(), policy.witnesses().size()),
      Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunCheck(Session& session) {
  TRY(Backend* const place, session.Place(Access::kRead));
  const std::string path = session.arguments().Text("PROOF");
  if (!path.empty()) return CheckProof(session, *place, path);
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  if (tree.compared()) {
    session.terminal().Say(
        fmt::format("the checkpoint over {} entries contains the remembered one over {}",
                    tree.size().value, tree.compared()->size.value),
        Colour::kGreen);
  } else {
    session.terminal().Say(
        fmt::format("the checkpoint over {} entries is signed", tree.size().value), Colour::kGreen);
  }
  return ExitCode::kDone;
}

// Only derived files go; opening the directory makes them anew from the segments.
Result<void> RemoveDerived(const std::string& directory) {
  storage::PosixFileSystem fs;
  TRY(const bool exists, fs.Exists(directory + "/salus.toml"));
  if (!exists) return NotFound(directory + " is no Salus data directory");
  TRY(const std::unique_ptr<storage::FileLock> lock, fs.LockFile(directory + "/lock"));
  for (const char* folder : {"/log/hashes", "/log/index"}) {
    TRY(const std::vector<std::string> names, fs.List(directory + folder));
    for (const std::string& name : names) {
      TRY_VOID(fs.Remove(storage::JoinPath(directory + folder, name)));
    }
  }
  if (Result<void> ok = fs.Remove(directory + "/log/subjects");
      !ok && ok.error().code != ErrorCode::kNotFound) {
    return ok;
  }
  return {};
}

Result<ExitCode> RunFsck(Session& session) {
  if (!session.is_data_place()) return session.Usage("fsck is for a data directory: --data DIR");
  if (session.arguments().Has("--rebuild")) {
    TRY_VOID(RemoveDerived(session.data_directory()));
    TRY_VOID(session.Place(Access::kWrite));
    session.ClosePlace();
    session.terminal().Say("hash tiles, indexes and snapshot were made anew from the segments",
                           Colour::kGreen);
  }
  return ReportDataCheck(session);
}

Result<void> WriteBeside(const std::string& folder, const std::string& path,
                         std::string_view bytes) {
  const std::filesystem::path whole = std::filesystem::path(folder) / path;
  std::error_code failed;
  std::filesystem::create_directories(whole.parent_path(), failed);
  if (failed) return Unavailable(whole.parent_path().string() + ": " + failed.message());
  return WriteTextFile(whole.string(), bytes);
}

// AskForEntries finds out before the first file is written whether the place shows its entries.
Result<void> AskForEntries(Backend& place, const std::vector<merkle::TileId>& tiles) {
  const auto first = std::find_if(tiles.begin(), tiles.end(),
                                  [](const merkle::TileId& id) { return id.level == 0; });
  if (first == tiles.end()) return {};
  const Result<Bytes> bundle = place.Bundle(*first);
  if (bundle) return {};
  if (bundle.error().code != ErrorCode::kPermissionDenied) return bundle.error();
  return PermissionDenied(
      place.where() +
      " does not show you its entries, and nothing was written: --no-entries exports the hashes; "
      "for the entries, have the operator name you under `followers` in salus.toml");
}

Result<ExitCode> RunExport(Session& session) {
  const std::string folder = session.arguments().Text("DIR");
  const bool with_entries = !session.arguments().Has("--no-entries");
  TRY(Backend* const place, session.Place(Access::kRead));
  TRY(const client::PublishedTree tree, OpenPublishedTree(session, *place));
  const std::vector<merkle::TileId> tiles = merkle::TilesOf(tree.size());
  if (with_entries && !tiles.empty()) TRY_VOID(AskForEntries(*place, tiles));
  ProgressBar bar(session.terminal(), "exporting", "tiles", tiles.size());
  std::uint64_t done = 0;
  for (const merkle::TileId& id : tiles) {
    bar.Set(++done);
    std::error_code failed;
    const bool is_full = id.width == merkle::kTileWidth;
    const std::filesystem::path path = std::filesystem::path(folder) / id.Path();
    const bool has_tile = is_full && std::filesystem::exists(path, failed);
    if (!has_tile) {
      TRY(const Bytes tile, place->Tile(id));
      TRY_VOID(WriteBeside(folder, id.Path(), AsText(tile)));
    }
    if (id.level != 0 || !with_entries) continue;
    const bool has_bundle =
        is_full &&
        std::filesystem::exists(std::filesystem::path(folder) / id.EntriesPath(), failed);
    if (has_bundle) continue;
    TRY(const Bytes bundle, place->Bundle(id));
    TRY_VOID(WriteBeside(folder, id.EntriesPath(), AsText(bundle)));
  }
  // Last: whoever serves the folder never shows a checkpoint whose tiles are missing.
  TRY_VOID(WriteBeside(folder, "checkpoint", tree.note()));
  session.terminal().Say(
      fmt::format("{} tiles of {} entries are in {}", tiles.size(), tree.size().value, folder),
      Colour::kGreen);
  return ExitCode::kDone;
}

Result<ExitCode> RunConfirmClock(Session& session) {
  TRY(Backend* const place, session.Place(Access::kWrite));
  TRY_VOID(place->ConfirmClock());
  session.terminal().Say("confirmed, as an entry of the log: checkpoints go on", Colour::kGreen);
  return ExitCode::kDone;
}

void AddReading(std::vector<Command>& all) {
  all.push_back({.noun = "log",
                 .verb = "checkpoint",
                 .summary = "Print the newest checkpoint (a C2SP signed note), verified",
                 .details = "",
                 .examples = {"salus log checkpoint --data /srv/salus"},
                 .flags = PlaceFlags(),
                 .positionals = {},
                 .run = RunCheckpoint});
  all.push_back(
      {.noun = "log",
       .verb = "prove",
       .summary = "Prove that an entry is in the log (C2SP tlog-proof)",
       .details = "",
       .examples = {"salus log prove 17 --data /srv/salus -o 17.tlog-proof"},
       .flags = With({{"--output", FlagKind::kText, "FILE", "write the proof here", "-o"}},
                     {PlaceFlags()}),
       .positionals = {{"INDEX", "the entry's index", true}},
       .run = RunProve});
  all.push_back(
      {.noun = "log",
       .verb = "check",
       .summary = "Check a proof, or the newest checkpoint against the remembered one",
       .details = "",
       .examples = {"salus log check --server clinic",
                    "salus log check 17.tlog-proof --leaf 9f3c... --data /srv/salus"},
       .flags = With({{"--leaf", FlagKind::kText, "HEX", "leaf hash that the proof is about"},
                      {"--entry", FlagKind::kText, "FILE", "the entry itself instead"}},
                     {PlaceFlags()}),
       .positionals = {{"PROOF", "a .tlog-proof file", false}},
       .run = RunCheck});
}

}  // namespace

void AddLogCommands(std::vector<Command>& all) {
  AddReading(all);
  all.push_back(
      {.noun = "log",
       .verb = "tasks",
       .summary = "List what people's data is and was added up for, and what came of it",
       .details =
           "Purpose and result of each sum and study are entries of the log, in clear; everybody "
           "may read them, without an identity. A server's are believed only as entries of the "
           "pinned log. The result of a study is told to its collector; here stands that there "
           "was one.",
       .examples = {"salus log tasks --server clinic", "salus log tasks --data /srv/salus --json"},
       .flags = With({}, {PlaceFlags(), OutputFlags()}),
       .positionals = {},
       .run = RunLogTasks});
  all.push_back(
      {.noun = "log",
       .verb = "fsck",
       .summary = "Check a data directory; make its derived files anew",
       .details = "With --rebuild, hash tiles, indexes and the chain snapshot are removed and made "
                  "again from the segments; nothing that was signed is touched.",
       .examples = {"salus log fsck --data /srv/salus",
                    "salus log fsck --rebuild --data /srv/salus"},
       .flags = With({{"--rebuild", FlagKind::kSwitch, "", "make derived files anew"}},
                     {PlaceFlags(), OutputFlags()}),
       .positionals = {},
       .run = RunFsck});
  all.push_back({.noun = "log",
                 .verb = "confirm-clock",
                 .summary = "Say that a server's clock is right (an officer's act)",
                 .details =
                     "A server whose clock jumped by more than 30 seconds, or whose log stood "
                     "still for more than 30 days, takes events, but makes no checkpoints "
                     "until an officer has looked at the clock.",
                 .examples = {"salus log confirm-clock --as ./officer --server clinic"},
                 .flags = PlaceFlags(),
                 .positionals = {},
                 .run = RunConfirmClock});
  all.push_back(
      {.noun = "log",
       .verb = "export",
       .summary = "Write the log as static files (C2SP tlog-tiles), for a web server or mirror",
       .details =
           "checkpoint, tile/..., tile/entries/...; a second run adds what is new. A server shows "
           "entries to those whom its salus.toml names as followers; hashes to everybody.",
       .examples = {"salus log export ./mirror --data /srv/salus"},
       .flags = With({{"--no-entries", FlagKind::kSwitch, "", "hashes only"}}, {PlaceFlags()}),
       .positionals = {{"DIR", "folder to write", true}},
       .run = RunExport});
}

}  // namespace salus::cli
