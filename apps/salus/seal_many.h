// Many inputs, or many recipients, in one run: an output for each, in one folder.
#pragma once

#include "apps/salus/session.h"
#include "seal/age_file.h"

namespace salus::cli {

// IsForMany: -O or --to-each is given, or several inputs are.
bool IsForMany(const Session& session);

// SealMany seals each input, file or folder, to OUTDIR/NAME.age; with --to-each to each recipient
// alone, as OUTDIR/NAME.LABEL.age. What fails is told, input by input, and the rest is done.
//
// Errors: usage; the worst that has failed, as a sentence that counts.
Result<ExitCode> SealMany(Session& session);

// OpenMany opens each NAME.age to OUTDIR/NAME.
//
// Errors: as SealMany.
Result<ExitCode> OpenMany(Session& session);

// ManyFlags are --output-folder and --to-each.
Flag OutputFolderFlag();
Flag ToEachFlag();

}  // namespace salus::cli
