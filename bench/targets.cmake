salus_bench(NAME crypto_bench DEPS crypto)
