// CertificateRenewal is the thread that keeps the front door's certificate fresh.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
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

  // source must live longer. The thread calls source, install and say.
  CertificateRenewal(CertificateSource& source, Install install, Say say);
  ~CertificateRenewal();
  CertificateRenewal(const CertificateRenewal&) = delete;
  CertificateRenewal& operator=(const CertificateRenewal&) = delete;

  // Wake has the source looked at now, as an operator's wish (SIGHUP).
  void Wake();
  // Stop ends the thread; a renewal under way is given up.
  void Stop();

 private:
  void Run(const std::stop_token& stop);
  void Take(const RenewalStep& step);

  CertificateSource& source_;
  const Install install_;
  const Say say_;
  std::mutex mutex_;
  std::condition_variable_any woken_;
  bool is_woken_ = false;  // guarded by mutex_
  std::jthread thread_;    // last: ends before what it uses
};

}  // namespace salus::proxy
