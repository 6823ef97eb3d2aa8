// What programs find in the shared libraries of larder.
#ifndef LARDER_API_H_
#define LARDER_API_H_

// Marks it; all else is hidden.
#define LARDER_API __attribute__((visibility("default")))

#endif  // LARDER_API_H_
