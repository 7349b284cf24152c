// Sealing and opening what may be a folder, as a command line names it.
#pragma once

#include <memory>
#include <string>

#include "apps/salus/session.h"
#include "seal/age_file.h"
#include "seal/output_file.h"

namespace salus::cli {

// IsFolder: path names one that is there.
bool IsFolder(const std::string& path);

// SealFolderTo packs and seals a folder; what it leaves out is warned of.
//
// Errors: those of seal::ArchiveWriter, the recipients and out.
Result<void> SealFolderTo(Session& session, const seal::Recipients& recipients,
                          seal::SealSettings settings, const std::string& folder,
                          seal::ByteSink& out);

// HoldsFolder: what is sealed is a folder.
bool HoldsFolder(const seal::AgeOpener& opener);

// OpenFolderAt unpacks what an unlocked opener holds; target appears when all of it is authentic.
//
// Errors: those of seal::FolderSink and seal::AgeOpener::OpenAll.
Result<void> OpenFolderAt(seal::AgeOpener& opener, const std::string& target,
                          seal::OutputFile::Durability durability, const seal::Moved& moved,
                          unsigned threads);

}  // namespace salus::cli
