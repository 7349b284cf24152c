// CertificateRenewal is the thread that keeps the front door's certificate fresh.
#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "proxy/certificate_source.h"

namespace salus::proxy {

// Threads: Wake is safe to call from any thread.
class CertificateRenewal {
 public:
  // Install puts an identity into use; when it fails, the old one stays.
  using Install = std::function<Result<void>(http::ServerIdentity)>;
  // Say tells the operator one sentence.
  using Say = std::function<void(std::string_view sentence, bool is_trouble)>;

  // authorities is the file of the clients' authorities, which install reads; empty where there is
  // none. A change of it is installed within look. source must live longer. The thread calls
  // source, install and say.
  CertificateRenewal(CertificateSource& source, Install install, Say say,
                     std::filesystem::path authorities = {},
                     std::chrono::milliseconds look = std::chrono::minutes(1));
  ~CertificateRenewal();
  CertificateRenewal(const CertificateRenewal&) = delete;
  CertificateRenewal& operator=(const CertificateRenewal&) = delete;

  // Wake has the source looked at now, as an operator's wish (SIGHUP), and all that there is
  // installed again.
  void Wake();
  // Stop ends the thread; a renewal under way is given up.
  void Stop();

 private:
  void Run(const std::stop_token& stop);
  void Take(const RenewalStep& step, RenewalCause cause);
  void InstallNow(std::string_view done_text);
  // Waits until it is time for the next step, and says why.
  RenewalCause WaitForNext(const std::stop_token& stop, std::chrono::seconds wait);
  bool HaveAuthoritiesChanged() const;

  CertificateSource& source_;
  const Install install_;
  const Say say_;
  const std::filesystem::path authorities_;
  const std::chrono::milliseconds look_;
  std::string seen_authorities_;  // their stamp, as of the last install
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool is_woken_ = false;  // guarded by mutex_
  std::jthread thread_;    // last: ends before what it uses
};

}  // namespace salus::proxy
