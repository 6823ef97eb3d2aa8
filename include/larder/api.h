// LARDER_API: marks what programs find in the shared libraries of larder, where all else is hidden.
#ifndef LARDER_API_H_
#define LARDER_API_H_

#define LARDER_API __attribute__((visibility("default")))

#endif  // LARDER_API_H_
