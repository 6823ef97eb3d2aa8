// How larder's functions are compiled: into its shared library, or, with LARDER_HEADER_ONLY, into the program.
#ifndef LARDER_API_H_
#define LARDER_API_H_

#ifdef LARDER_HEADER_ONLY
#define LARDER_API
#define LARDER_INLINE inline
#else
// What programs find in the shared libraries of larder; all else is hidden.
#define LARDER_API __attribute__((visibility("default")))
// A function that lib/*.cc compiles.
#define LARDER_INLINE
#endif

#endif  // LARDER_API_H_
