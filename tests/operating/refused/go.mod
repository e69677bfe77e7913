module bulkhead/tests/refused

go 1.19
