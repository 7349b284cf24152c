#include "apps/salus/seal_one.h"

#include <filesystem>

#include "apps/salus/input_file.h"
#include "apps/salus/stop_signals.h"
#include "seal/archive_writer.h"
#include "seal/folder_sink.h"

namespace salus::cli {

namespace {

constexpr std::size_t kPieceBytes = std::size_t{1} << 18;

// A passphrase may have no other stanza beside it, not even a marker.
bool HasPassphrase(const seal::Recipients& recipients) {
  return recipients.size() == 1 && recipients.front()->Name().empty();
}

Result<void> Copy(seal::ByteSource& source, seal::ByteSink& out, const seal::Moved& moved) {
  Bytes piece(kPieceBytes);
  for (std::uint64_t total = 0;;) {
    TRY(const std::size_t size, source.Read(piece));
    TRY_VOID(out.Write(ByteSpan(piece).first(size)));
    total += size;
    if (moved) moved(total);
    if (size < piece.size()) return {};
  }
}

Result<void> PackInto(Session& session, const std::string& folder, seal::ByteSink& out) {
  seal::ArchiveWriter writer(folder);
  TRY_VOID(writer.Pack(out));
  for (const auto& skipped : writer.skipped()) {
    session.terminal().Warn(skipped.path + " is left out: " + skipped.reason);
  }
  return {};
}

seal::SealSettings SettingsOf(const Sealing& sealing, bool is_folder) {
  seal::SealSettings settings;
  settings.is_armored = sealing.is_armored;
  settings.threads = sealing.threads;
  if (is_folder && !HasPassphrase(sealing.recipients)) {
    settings.markers.emplace_back(seal::kArchiveMarker);
  }
  if (sealing.signer) settings.markers.emplace_back(seal::kSignedMarker);
  return settings;
}

}  // namespace

bool IsFolder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

Result<void> SealInto(Session& session, const Sealing& sealing, const std::string& in,
                      seal::ByteSink& out, ProgressBar* bar) {
  const bool is_folder = IsFolder(in);
  std::unique_ptr<InputFile> input;
  if (!is_folder) {
    TRY(input, InputFile::Open(in));
    if (bar != nullptr) bar->SetTotal(input->size_bytes());
  }
  if (sealing.signer) {
    TRY_VOID(seal::SignedContentWriter::Check(*sealing.signer, sealing.recipients));
  }
  seal::Moved moved;
  if (bar != nullptr) moved = [bar](std::uint64_t bytes) { bar->Set(bytes); };
  TRY(const std::unique_ptr<seal::AgeSealer> sealer,
      seal::AgeSealer::Start(out, sealing.recipients, SettingsOf(sealing, is_folder),
                             session.random()));
  if (!is_folder && !sealing.signer) return sealer->SealAll(*input, moved);

  std::optional<seal::SignedContentWriter> writer;
  if (sealing.signer) {
    writer.emplace(*sealer, is_folder ? seal::Holds::kFolder : seal::Holds::kFile);
  }
  seal::ByteSink& sink = writer ? static_cast<seal::ByteSink&>(*writer) : *sealer;
  if (is_folder) {
    TRY_VOID(PackInto(session, in, sink));
  } else {
    TRY_VOID(Copy(*input, sink, moved));
  }
  if (writer) {
    TRY_VOID(writer->Finish(*sealing.signer, sealing.recipients, session.clock().Now()));
  }
  TRY_VOID(sealer->Finish());
  if (is_folder && HasPassphrase(sealing.recipients)) {
    session.terminal().Say(
        "note: behind a passphrase the folder is a plain archive: open it with -o DIR/, or pipe it "
        "to tar x");
  }
  return {};
}

bool HoldsFolder(const seal::AgeOpener& opener) {
  return opener.header().Has(seal::kArchiveMarker);
}

Result<std::string> UnlockWith(seal::AgeOpener& opener, const seal::Identities& identities) {
  Result<std::size_t> unlocked = opener.Unlock(identities);
  if (unlocked) return identities[*unlocked]->Name();
  if (unlocked.error().code == ErrorCode::kFailedPrecondition && opener.header().Has("scrypt")) {
    return FailedPrecondition("the passphrase is wrong, or the file was not sealed with one");
  }
  return std::move(unlocked.error());
}

namespace {

Result<void> OpenContent(Session& session, const Opening& opening, seal::ByteSink& out) {
  TRY(const std::unique_ptr<SignedOpening> content,
      SignedOpening::Begin(session, opening.opener.header(), out));
  StoppableSink sink(content->sink());
  TRY_VOID(opening.opener.OpenAll(sink, opening.moved, opening.threads));
  return content->Finish(session, opening.own_name, opening.label);
}

}  // namespace

Result<void> OpenInto(Session& session, const Opening& opening, seal::OutputFile& output) {
  TRY_VOID(OpenContent(session, opening, output));
  return output.Commit();
}

Result<void> OpenFolderAt(Session& session, const Opening& opening, const std::string& target,
                          seal::OutputFile::Durability durability) {
  TRY(const std::unique_ptr<seal::FolderSink> sink, seal::FolderSink::Create(target));
  TRY_VOID(OpenContent(session, opening, *sink));
  return sink->Finish(durability);
}

}  // namespace salus::cli
