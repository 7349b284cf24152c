// HpkeKeyRing is the HPKE keys that an aggregator opens with now.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "aggregate/dap_hpke_config.h"
#include "aggregate/dap_hpke_key.h"

namespace salus::aggregate {

// HpkeKeyRing is a snapshot: a key that is retired meanwhile lives on until its last user is done.
//
// Threads: immutable, safe to share.
class HpkeKeyRing {
 public:
  HpkeKeyRing() = default;
  // The current key is the first.
  explicit HpkeKeyRing(std::vector<std::shared_ptr<const DapHpkeKey>> keys)
      : keys_(std::move(keys)) {}

  const DapHpkeKey* Find(std::uint8_t config_id) const;
  // Configs is what is offered to clients: the current key only.
  HpkeConfigList Configs() const;

 private:
  std::vector<std::shared_ptr<const DapHpkeKey>> keys_;
};

}  // namespace salus::aggregate
