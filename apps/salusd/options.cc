#include "options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

namespace salus {

std::optional<Options> ParseOptions(int argc, char** argv, int& exit_code) {
  CLI::App app{
      "salusd serves one Salus data directory, made by `salus init`.\n"
      "It prints one line of JSON when it listens, and stops on SIGTERM or SIGINT."};
  app.set_version_flag("--version", "salusd " SALUS_VERSION);
  Options options;
  std::string config;
  app.add_option("--config", config,
                 "the data directory; or a file in it that is read instead of its salus.toml")
      ->required();
  app.add_option("--spool", options.spool, "folder for the file exchange (inbox, outbox)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      exit_code = app.exit(error);
      return std::nullopt;
    }
    // What is not known is said before what is missing.
    const std::vector<std::string> unknown = app.remaining();
    std::fprintf(
        stderr, "salusd: %s\nrun 'salusd --help' for help\n",
        unknown.empty() ? error.what() : (unknown.front() + ": there is no such option").c_str());
    exit_code = 2;
    return std::nullopt;
  }
  std::error_code ignored;
  const std::filesystem::path path(config);
  const bool is_directory = std::filesystem::is_directory(path, ignored);
  options.directory = is_directory ? config : path.parent_path().string();
  if (!is_directory) options.config = config;
  if (options.directory.empty()) options.directory = ".";
  return options;
}

}  // namespace salus
