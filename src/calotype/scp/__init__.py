"""Our side of each DICOM service class, one file each: request -> service call -> responses."""
