  // Rays are cast as dlib.data.shapes3d casts them. Vectors are [x, y, z], y is up;
  // a miss is at an infinite distance (as is a NaN, which is larger than nothing).
  function renderer({ size, rays, scene, colours, scales, azimuths }) {
    const { abs, cos, max, min, sign, sin, sqrt } = Math;
    const side = size * rays, FLOOR = 0, WALL = 1, SOLID = 2, SKY = 3;
    const kinds = new Uint8Array(side * side);
    const lights = new Float32Array(side * side), shine = new Float32Array(side * side);
    const lamp = [scene.lamp_x, scene.lamp_y, scene.lamp_z];
    const caster = [scene.caster_x, scene.caster_y, scene.caster_z];
    const aim = [scene.aim_x, 0, scene.aim_z];

    const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    const along = (o, t, d) => [o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]];
    const from = (a, b) => along(b, -1, a);
    const unit = (a) => along([0, 0, 0], 1 / sqrt(dot(a, a)), a);
    const clamp = (value) => min(1, max(0, value));
    const beyond = (t, holds) => (t > 1e-4 && holds ? t : Infinity);

    // Distances from o along d to solids that stand around the vertical axis.
    function ball(o, d, height, radius) {
      const p = [o[0], o[1] - height, o[2]], b = dot(p, d);
      return beyond(-b - sqrt(b * b - dot(p, p) + radius * radius), true);
    }
    function tube(o, d, radius, bottom, top) {
      const a = d[0] ** 2 + d[2] ** 2, b = o[0] * d[0] + o[2] * d[2];
      const t = (-b - sqrt(b * b - a * (o[0] ** 2 + o[2] ** 2 - radius ** 2))) / a;
      const y = o[1] + t * d[1];
      return beyond(t, y >= bottom && y <= top);
    }
    function lid(o, d, radius, height) {
      const t = (height - o[1]) / d[1], [x, , z] = along(o, t, d);
      return beyond(t, x * x + z * z <= radius * radius);
    }
    function box(o, d, half, height) {
      let enter = -Infinity, leave = Infinity;
      for (let i = 0; i < 3; i++) {
        const one = ((i === 1 ? 0 : -half) - o[i]) / d[i];
        const other = ((i === 1 ? height : half) - o[i]) / d[i];
        enter = max(enter, min(one, other));
        leave = min(leave, max(one, other));
      }
      return beyond(enter, leave >= enter);
    }

    // Of each shape at scale s: the distance to it, and its outward normal at p.
    const solids = [
      (s, half = s * scene.cube_half_width, height = s * scene.cube_height) => ({
        hit: (o, d) => box(o, d, half, height),
        normal([x, y, z]) {
          // The face is the coordinate that has come furthest.
          const p = [x / half, (y - height / 2) / (height / 2), z / half];
          const furthest = max(...p.map(abs));
          return unit(p.map((value) => (abs(value) === furthest ? sign(value) : 0)));
        },
      }),
      (s, radius = s * scene.cylinder_radius, height = s * scene.cylinder_height) => ({
        hit: (o, d) => min(tube(o, d, radius, 0, height), lid(o, d, radius, height)),
        normal: ([x, y, z]) => (y >= height * 0.9999 ? [0, 1, 0] : unit([x, 0, z])),
      }),
      (s, radius = s * scene.sphere_radius) => ({
        hit: (o, d) => ball(o, d, radius, radius),
        normal: ([x, y, z]) => unit([x, y - radius, z]),
      }),
      (s, radius = s * scene.capsule_radius, top = s * scene.capsule_height - radius) => ({
        hit: (o, d) => min(ball(o, d, radius, radius), ball(o, d, top, radius),
          tube(o, d, radius, radius, top)),
        normal: ([x, y, z]) => unit([x, y - min(top, max(radius, y)), z]),
      }),
    ];

    // What each ray meets, and how much light comes back along it.
    function trace({ hit, normal }, azimuth) {
      const o = [scene.camera_radius * sin(azimuth), scene.camera_height,
        scene.camera_radius * cos(azimuth)];
      const forward = unit(from(o, [0, scene.target_height, 0]));
      const right = unit([-forward[2], 0, forward[0]]);
      const above = [-right[2] * forward[1], right[2] * forward[0] - right[0] * forward[2],
        right[0] * forward[1]];
      const head = unit(from([0, scene.target_height, 0], o)); // towards the camera
      const axis = unit(from(aim, lamp));
      for (let at = 0; at < side * side; at++) {
        const across = (((at % side) + 0.5) / side - 0.5) / scene.focal;
        const down = ((Math.floor(at / side) + 0.5) / side - 0.5 - scene.shift_down) /
          scene.focal;
        const d = unit(along(along(forward, across, right), -down, above));
        const toFloor = d[1] < 0 ? -o[1] / d[1] : Infinity;
        const toSide = ((d[0] > 0 ? scene.wall_right : -scene.wall_left) - o[0]) / d[0];
        const toBack = d[2] < 0 ? (-scene.wall_back - o[2]) / d[2] : Infinity;
        const toWall = min(toSide, toBack);
        const onWall = o[1] + toWall * d[1] <= scene.wall_height;
        const toRoom = min(toFloor, onWall ? toWall : Infinity), toSolid = hit(o, d);
        const kind = kinds[at] = toSolid < toRoom ? SOLID
          : toFloor <= toWall ? FLOOR : onWall ? WALL : SKY;
        if (kind === SKY) continue;
        const p = along(o, min(toSolid, toRoom), d), toLamp = unit(from(p, lamp));
        const spot = scene.spot * max(1e-3, dot(toLamp, axis)) ** scene.spot_exponent;
        const lit = (lamplight, headlight) => scene.ambient +
          scene.headlight * max(0, headlight) + max(0, lamplight) * spot;
        shine[at] = 0;
        if (kind === FLOOR) {
          const shaded = hit(along(p, 1e-3, [0, 1, 0]), unit(from(p, caster)));
          lights[at] = shaded < Infinity ? scene.shadow : lit(toLamp[1], 0);
        } else if (kind === WALL) {
          lights[at] = toSide < toBack ? lit(-sign(d[0]) * toLamp[0], abs(head[0]))
            : lit(toLamp[2], head[2]);
        } else {
          const n = normal(p), facing = dot(n, toLamp);
          lights[at] = lit(facing, dot(n, head));
          shine[at] = scene.gloss * clamp(
            (facing - scene.gloss_from) / (scene.gloss_to - scene.gloss_from));
        }
      }
    }

    let traced = "";
    return ([floor, wall, solid, scale, shape, turn], pixels) => {
      // Hues move nothing: a geometry that was traced only needs new paint.
      const wanted = [scale, shape, turn].join();
      if (wanted !== traced) trace(solids[shape](scales[scale]), azimuths[turn]);
      traced = wanted;
      const paints = [colours[floor], colours[wall], colours[solid]];
      for (let at = 0; at < size * size; at++)
        for (let c = 0; c < 3; c++) {
          const first = Math.floor(at / size) * rays * side + (at % size) * rays;
          let sum = 0;
          for (let ray = 0; ray < rays * rays; ray++) {
            const r = first + Math.floor(ray / rays) * side + (ray % rays);
            sum += kinds[r] === SKY ? scene.sky[c]
              : clamp(paints[kinds[r]][c] * lights[r] + shine[r]);
          }
          pixels[4 * at + c] = (255 * sum) / (rays * rays);
        }
    };
  }
