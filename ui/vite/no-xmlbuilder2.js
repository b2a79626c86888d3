/** Stands for `xmlbuilder2`, which vtk.js reads for its own XML files alone: nothing here opens any. */
function unavailable() {
  throw new Error("XML files of VTK are not read here");
}

export { unavailable as convert, unavailable as create, unavailable as fragment };
