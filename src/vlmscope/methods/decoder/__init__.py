"""Methods that read a decoder's attention: one file each, registered in ``methods.catalogue``."""
