// The plain files of an identity's or authority's directory: what is public, and the directory
// itself. Private keys are in key_file.h.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace salus::pki {

// CreatePrivateDirectory makes directory and what is missing above it, the last with mode 0700; an
// empty directory that is there already is taken over.
//
// Errors: AlreadyExists when it holds anything; Unavailable when the file system refuses.
Result<void> CreatePrivateDirectory(const std::filesystem::path& directory);

// ReadPublicFile reads a file of at most 1 MiB.
//
// Errors: NotFound, InvalidArgument when too large, Unavailable.
Result<std::string> ReadPublicFile(const std::filesystem::path& path);

// ReplacePublicFile writes a file (0644) so that readers see the old content or the new one, and
// syncs it.
//
// Errors: ResourceExhausted when the disk is full, else Unavailable.
Result<void> ReplacePublicFile(const std::filesystem::path& path, std::string_view content);

// SyncDirectory makes the names in directory durable.
Result<void> SyncDirectory(const std::filesystem::path& directory);

// WriteAndSync writes all of content to a descriptor and syncs it.
Result<void> WriteAndSync(int descriptor, ByteSpan content);

}  // namespace salus::pki
