"""What differs between cells and between episodes: looks, objects, bodies, delays."""
