#include "apps/salus/seal_folder.h"

#include <filesystem>

#include "seal/archive_writer.h"
#include "seal/folder_sink.h"

namespace salus::cli {

bool IsFolder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

Result<void> SealFolderTo(Session& session, const seal::Recipients& recipients,
                          seal::SealSettings settings, const std::string& folder,
                          seal::ByteSink& out) {
  // A passphrase may have no other stanza beside it, not even a marker.
  const bool has_passphrase = recipients.size() == 1 && recipients.front()->Name().empty();
  if (!has_passphrase) settings.markers.emplace_back(seal::kArchiveMarker);
  TRY(const std::unique_ptr<seal::AgeSealer> sealer,
      seal::AgeSealer::Start(out, recipients, settings, session.random()));
  seal::ArchiveWriter writer(folder);
  TRY_VOID(writer.Pack(*sealer));
  TRY_VOID(sealer->Finish());
  for (const auto& skipped : writer.skipped()) {
    session.terminal().Warn(skipped.path + " is left out: " + skipped.reason);
  }
  if (has_passphrase) {
    session.terminal().Say(
        "note: behind a passphrase the folder is a plain archive: unpack it with salus open | tar "
        "x");
  }
  return {};
}

bool HoldsFolder(const seal::AgeOpener& opener) {
  return opener.header().Has(seal::kArchiveMarker);
}

Result<void> OpenFolderAt(seal::AgeOpener& opener, const std::string& target,
                          seal::OutputFile::Durability durability, const seal::Moved& moved,
                          unsigned threads) {
  TRY(const std::unique_ptr<seal::FolderSink> sink, seal::FolderSink::Create(target));
  TRY_VOID(opener.OpenAll(*sink, moved, threads));
  return sink->Finish(durability);
}

}  // namespace salus::cli
