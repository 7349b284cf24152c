// DapLink is an aggregator of a task, reached over HTTPS.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "aggregate/channel.h"
#include "aggregate/dap_answer.h"
#include "base/result.h"
#include "base/secret.h"
#include "http/client.h"
#include "pki/identity_directory.h"

namespace salus::api {

// DapPeer says which aggregator, whom to believe about its name, and who asks.
struct DapPeer {
  std::string url;                                   // as the task has it
  std::string root_pem;                              // the only authority that is believed
  std::string machine_url = {};                      // asked instead, with identity; or empty
  const pki::IdentityDirectory* identity = nullptr;  // needed for machine_url only
  std::chrono::milliseconds total_timeout{60'000};   // of one exchange
};

// Source:  DAP-18 sections 3 and 3.5; DAP-09 section 3.1 (DAP-Auth-Token).
// Threads: one thread at a time.
class DapLink {
 public:
  // Errors: InvalidArgument; FailedPrecondition when the identity has no certificate.
  static Result<DapLink> Create(const DapPeer& peer);

  // Exchange sends a request to a path below the URL, with a bearer token where one is given.
  //
  // Errors: as http::Client::Send; an answer of any status is an answer.
  Result<aggregate::DapAnswer> Exchange(const aggregate::ChannelRequest& request,
                                        const SecretBytes* token = nullptr);

  const std::string& url() const { return url_; }

 private:
  DapLink(std::string url, std::string base_path, std::unique_ptr<http::Client> client)
      : url_(std::move(url)), base_path_(std::move(base_path)), client_(std::move(client)) {}

  std::string url_;        // for messages
  std::string base_path_;  // "/dap/"
  std::unique_ptr<http::Client> client_;
};

// PathOfUrl is the path of an aggregator's URL with a slash at its end: "/dap/".
std::string PathOfUrl(std::string_view url);

}  // namespace salus::api
