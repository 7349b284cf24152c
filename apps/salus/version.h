#pragma once

namespace salus::cli {

// kVersion is the release that `salus --version` names.
inline constexpr char kVersion[] = SALUS_VERSION;

}  // namespace salus::cli
