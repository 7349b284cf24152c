// One file or folder sealed, or opened, with all that a command line can ask for: signed or not,
// armored or not.
#pragma once

#include <optional>
#include <string>

#include "apps/salus/session.h"
#include "apps/salus/signed_seal.h"
#include "seal/age_file.h"
#include "seal/output_file.h"

namespace salus::cli {

// Sealing is how the files of one run are sealed.
struct Sealing {
  const seal::Recipients& recipients;
  const std::optional<seal::Signer>& signer;
  bool is_armored = false;
  unsigned threads = seal::DefaultThreads();
};

// IsFolder: path names one that is there.
bool IsFolder(const std::string& path);

// SealInto seals what in names, a file, a folder or the standard input ("" or "-"), into out. What
// a folder's archive leaves out is warned of.
//
// Errors: those of InputFile, seal::ArchiveWriter, the recipients, the signer and out.
Result<void> SealInto(Session& session, const Sealing& sealing, const std::string& in,
                      seal::ByteSink& out, ProgressBar* bar);

// HoldsFolder: what is sealed is a folder.
bool HoldsFolder(const seal::AgeOpener& opener);

// UnlockWith finds the identity that opens the file, and returns its name.
//
// Errors: those of seal::AgeOpener::Unlock; a wrong passphrase is called one.
Result<std::string> UnlockWith(seal::AgeOpener& opener, const seal::Identities& identities);

// Opening is an unlocked file, and where it goes.
struct Opening {
  seal::AgeOpener& opener;
  std::string own_name;  // of the identity that opens it
  unsigned threads = seal::DefaultThreads();
  seal::Moved moved = {};
  std::string label = {};  // what is said of it begins with this, where there are several
};

// OpenInto writes the content to output, verifies the signature where there is one, and commits.
//
// Errors: those of seal::AgeOpener::OpenAll, SignedOpening and output.
Result<void> OpenInto(Session& session, const Opening& opening, seal::OutputFile& output);

// OpenFolderAt unpacks it; target appears when all of it is authentic.
//
// Errors: as OpenInto; those of seal::FolderSink.
Result<void> OpenFolderAt(Session& session, const Opening& opening, const std::string& target,
                          seal::OutputFile::Durability durability);

}  // namespace salus::cli
