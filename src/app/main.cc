#include "app/cli.h"

int main(int argc, char** argv) { return bulkhead::app::run(argc, argv); }
