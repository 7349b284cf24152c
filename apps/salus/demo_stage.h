// DemoStage plays a session on this machine: keys and certificates in a folder, a host and parties
// as processes of their own that run the real commands, and perhaps an eavesdropper between them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregate/peer_roster.h"
#include "apps/salus/own_process.h"
#include "apps/salus/recording_relay.h"
#include "apps/salus/session.h"

namespace salus::cli {

enum class DemoTwist { kNone, kLiar, kCrash, kLyingSum };

// IsCheater: the last party follows the protocol, but for one message.
bool IsCheater(DemoTwist twist);

struct DemoPlan {
  std::size_t parties = 3;
  DemoTwist twist = DemoTwist::kNone;  // what the last party does
  bool has_eavesdropper = false;
  bool has_threshold = false;
};

// DemoPerson is somebody who takes part, and how it ended.
struct DemoPerson {
  std::string name;
  std::int64_t height = 0;  // 0: the host, who has none
  std::string folder;       // of the identity
  crypto::Hash32 fingerprint{};
  pid_t pid = 0;
  int exit = 0;
  std::string messages = {};  // what the process said, a line of JSON each (progress_lines.h)
  Bytes transcript = {};
};

// DemoRun is what was played.
struct DemoRun {
  DemoPlan plan;
  std::optional<aggregate::PeerRoster> roster;
  DemoPerson host;
  std::vector<DemoPerson> people;
  std::vector<Captured> captured;
  double seconds = 0;  // from the host's start to the last end
};

class DemoStage {
 public:
  // Make makes the folder's content; an empty path: a temporary folder, gone with the stage.
  //
  // Errors: AlreadyExists when the folder is not empty; those of pki and of the file system.
  static Result<std::unique_ptr<DemoStage>> Make(Session& session, const DemoPlan& plan,
                                                 const std::string& folder);
  ~DemoStage();
  DemoStage(const DemoStage&) = delete;
  DemoStage& operator=(const DemoStage&) = delete;

  // Play runs the session to its end.
  //
  // Errors: Unavailable when a process can't be started, or somebody told us to stop.
  Result<DemoRun> Play();

  const std::filesystem::path& folder() const { return folder_; }
  // capture_file holds what an eavesdropper recorded: of each connection, what went to the hospital
  // and what came back, one after another.
  std::filesystem::path capture_file() const { return folder_ / "captured.tls"; }

 private:
  DemoStage(Session& session, std::filesystem::path folder, bool is_temporary)
      : session_(session), folder_(std::move(folder)), is_temporary_(is_temporary) {}

  Result<DemoPerson> MakePerson(const std::string& name, std::int64_t height);
  Result<void> MakeRoster();
  Result<void> StartHost();
  Result<std::uint16_t> HostPort();
  Result<void> StartPeople(std::uint16_t port);
  Result<void> WaitForAll();
  Result<void> Collect(DemoPerson& person, OwnProcess& process) const;
  Result<void> KeepCaptured() const;
  Result<std::unique_ptr<OwnProcess>> Start(DemoPerson& person, std::vector<std::string> arguments,
                                            const std::string& input);

  Session& session_;
  const std::filesystem::path folder_;
  const bool is_temporary_;
  DemoRun run_;
  std::unique_ptr<OwnProcess> host_;
  std::unique_ptr<RecordingRelay> relay_;
  std::vector<std::unique_ptr<OwnProcess>> processes_;
};

}  // namespace salus::cli
