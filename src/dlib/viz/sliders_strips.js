  // A strip of pictures for each factor, of which only that one moves.
  async function renderer({ size, start, strips }) {
    const rows = await Promise.all(strips.map(async (source) => {
      const image = new Image();
      image.src = source;
      await image.decode();
      const canvas = document.createElement("canvas");
      canvas.width = image.width;
      canvas.height = image.height;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      return context;
    }));
    return (factors, pixels) => {
      const moved = Math.max(0, factors.findIndex((index, j) => index !== start[j]));
      const left = factors[moved] * size;
      pixels.set(rows[moved].getImageData(left, 0, size, size).data);
    };
  }
