#include "aggregate/hpke_key_ring.h"

namespace salus::aggregate {

const DapHpkeKey* HpkeKeyRing::Find(std::uint8_t config_id) const {
  for (const auto& key : keys_) {
    if (key->config().id == config_id) return key.get();
  }
  return nullptr;
}

HpkeConfigList HpkeKeyRing::Configs() const {
  HpkeConfigList list;
  if (!keys_.empty()) list.configs.push_back(keys_.front()->config());
  return list;
}

}  // namespace salus::aggregate
