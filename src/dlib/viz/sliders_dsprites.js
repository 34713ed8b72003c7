  // A pixel is on when its centre lies inside the shape: TwinDSprites' formulas.
  function renderer({ size, scales, angles, places, square, ellipse, heart }) {
    const { abs, cos, sin, max } = Math, [width, height, lift] = heart;
    const outline = (q) => lift + height *
      (13 * cos(q) - 5 * cos(2 * q) - 2 * cos(3 * q) - cos(4 * q));
    const inside = [
      (u, v) => max(abs(u), abs(v)) <= square,
      (u, v) => (u / ellipse[0]) ** 2 + (v / ellipse[1]) ** 2 <= 1,
      (u, v) => {
        if (abs(u) > width) return false;
        const q = Math.asin(Math.cbrt(abs(u) / width));
        return outline(Math.PI - q) <= -v && -v <= outline(q);
      },
    ];
    return ([shape, scale, turn, x, y], pixels) => {
      const c = cos(angles[turn]), s = sin(angles[turn]);
      for (let at = 0; at < size * size; at++) {
        // Sizes are those of the official picture, 64 pixels wide.
        const column = (((at % size) + 0.5) * 64) / size;
        const row = ((Math.floor(at / size) + 0.5) * 64) / size;
        const dx = (column - 16 - 32 * places[x]) / scales[scale];
        const dy = (row - 16 - 32 * places[y]) / scales[scale];
        const on = inside[shape](c * dx - s * dy, s * dx + c * dy);
        pixels.fill(on ? 255 : 0, 4 * at, 4 * at + 3);
      }
    };
  }
