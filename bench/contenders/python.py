"""PyTorch on one thread. Variants: "autograd" (loss.backward and torch.optim.Adam) and "sparse" (gradients derived by hand,
index_add_ to the active planes, the same Adam). "numpy": the same by hand in numpy. Speaks the lines of serve.mjs."""

import base64
import json
import os
import resource
import sys
import time

os.environ["OMP_NUM_THREADS"] = "1"
import numpy as np

variant = sys.argv[1] if len(sys.argv) > 1 else "autograd"
if variant != "numpy":
    import torch

    torch.set_num_threads(1)


def read(folder, name, kind=np.float32):
    return np.fromfile(os.path.join(folder, name), dtype=kind)


def pack(values):
    return base64.b64encode(np.ascontiguousarray(values, dtype=np.float32).tobytes()).decode()


class Torch:
    def load(self, folder):
        self.w = w = json.load(open(os.path.join(folder, "sizes.json")))
        order = read(folder, "order", np.int32)
        self.x = torch.from_numpy(read(folder, "x").reshape(w["rows"], w["inputs"])[order])
        self.y = torch.from_numpy(read(folder, "y")[order])
        self.z0 = read(folder, "z").reshape(-1, w["inputs"])
        self.b0 = read(folder, "b")
        return {"versions": {"torch": torch.__version__, "python": sys.version.split()[0]}}

    def start(self):
        self.z = torch.from_numpy(self.z0.copy()).requires_grad_()
        self.b = torch.from_numpy(self.b0.copy()).requires_grad_()
        self.optimizer = torch.optim.Adam([self.z, self.b], lr=0.01, eps=2e-8)
        self.step = 0
        return {}

    def min_max(self, w, a):
        n = a.shape[0]
        own = w["networks"] * w["groups"] * w["hyperplanes"]
        tops = a[:, :own].reshape(n, w["networks"], w["groups"], w["hyperplanes"]).amax(3)
        f = tops.amin(2).sum(1)
        return f + a[:, own] if w["linear"] else f

    def active(self, w, a):
        n = a.shape[0]
        m, k, j = w["networks"], w["groups"], w["hyperplanes"]
        tops, best = a[:, : m * k * j].reshape(n, m, k, j).max(3)
        f, group = tops.min(2)
        planes = torch.arange(m) * (k * j) + group * j + best.gather(2, group.unsqueeze(2)).squeeze(2)
        f = f.sum(1)
        return (f + a[:, m * k * j] if w["linear"] else f), planes

    def train(self, steps, batch, rate):
        w = self.w
        per_epoch = w["rows"] // batch
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        begin = time.perf_counter()
        for _ in range(steps):
            at = (self.step % per_epoch) * batch
            x, y = self.x[at : at + batch], self.y[at : at + batch]
            if variant == "autograd":
                self.optimizer.zero_grad()
                loss = (self.min_max(w, torch.addmm(self.b, x, self.z.exp().T)) - y).square().mean()
                loss.backward()
            else:
                with torch.no_grad():
                    weight = self.z.exp()
                    f, planes = self.active(w, torch.addmm(self.b, x, weight.T))
                    residual = f - y
                    loss = residual.square().mean()
                    d = residual * (2 / batch)
                    dx = x * d.unsqueeze(1)
                    dw = torch.zeros_like(weight)
                    db = torch.zeros_like(self.b)
                    m = w["networks"]
                    for net in range(m):
                        dw.index_add_(0, planes[:, net], dx)
                        db.index_add_(0, planes[:, net], d)
                    if w["linear"]:
                        dw[-1] += dx.sum(0)
                        db[-1] += d.sum()
                    self.z.grad = dw.mul_(weight)
                    self.b.grad = db
            self.optimizer.step()
            self.step += 1
        ms = (time.perf_counter() - begin) * 1e3
        return {"ms": ms, "loss": float(loss)}

    def parameters(self):
        return {"z": pack(self.z.detach().numpy()), "b": pack(self.b.detach().numpy())}

    def model(self, folder):
        self.m = m = json.load(open(os.path.join(folder, "sizes.json")))
        n, d = m["predictRows"], m["inputs"]
        self.px = torch.from_numpy(read(folder, "x")[: n * d].reshape(n, d))
        self.pw = torch.from_numpy(read(folder, "model.w").reshape(-1, d))
        self.pt = self.pw.T.contiguous()
        self.pb = torch.from_numpy(read(folder, "model.b"))
        return {}

    def predict(self):
        begin = time.perf_counter()
        with torch.no_grad():
            values = self.min_max(self.m, torch.addmm(self.pb, self.px, self.pt))
        return {"ms": (time.perf_counter() - begin) * 1e3, "values": pack(values.numpy()[:256])}

    def row(self, count):
        n = self.px.shape[0]
        begin = time.perf_counter()
        with torch.no_grad():
            for r in range(count):
                at = r % n
                float(self.min_max(self.m, torch.addmm(self.pb, self.px[at : at + 1], self.pt)))
        return {"ns": (time.perf_counter() - begin) * 1e9 / count}

    def sensitivity(self):
        begin = time.perf_counter()
        if variant == "autograd":
            x = self.px.detach().requires_grad_()
            self.min_max(self.m, torch.addmm(self.pb, x, self.pt)).sum().backward()
            values = x.grad
        else:
            with torch.no_grad():
                _, planes = self.active(self.m, torch.addmm(self.pb, self.px, self.pt))
                values = self.pw[planes].sum(1)
                if self.m["linear"]:
                    values = values + self.pw[-1]
        return {"ms": (time.perf_counter() - begin) * 1e3, "values": pack(values.numpy().ravel()[:256])}


class Numpy:
    def load(self, folder):
        self.w = w = json.load(open(os.path.join(folder, "sizes.json")))
        order = read(folder, "order", np.int32)
        self.x = read(folder, "x").reshape(w["rows"], w["inputs"])[order]
        self.y = read(folder, "y")[order]
        self.z0 = read(folder, "z").reshape(-1, w["inputs"])
        self.b0 = read(folder, "b")
        return {"versions": {"numpy": np.__version__, "python": sys.version.split()[0]}}

    def start(self):
        self.z, self.b = self.z0.copy(), self.b0.copy()
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in (self.z, self.b)]
        self.step = 0
        return {}

    def active(self, w, a):
        n = a.shape[0]
        m, k, j = w["networks"], w["groups"], w["hyperplanes"]
        own = m * k * j
        hinges = a[:, :own].reshape(n * m * k, j)
        best = hinges.argmax(1)
        tops = hinges[np.arange(n * m * k), best].reshape(n * m, k)
        group = tops.argmin(1)
        rows = np.arange(n * m)
        f = tops[rows, group].reshape(n, m).sum(1)
        planes = (rows % m) * (k * j) + group * j + best[rows * k + group]
        return (f + a[:, own] if w["linear"] else f), planes.reshape(n, m)

    def train(self, steps, batch, rate):
        w = self.w
        per_epoch = w["rows"] // batch
        begin = time.perf_counter()
        for _ in range(steps):
            at = (self.step % per_epoch) * batch
            x, y = self.x[at : at + batch], self.y[at : at + batch]
            weight = np.exp(self.z)
            f, planes = self.active(w, x @ weight.T + self.b)
            residual = f - y
            loss = float(np.mean(residual * residual))
            d = residual * np.float32(2 / batch)
            dx = x * d[:, None]
            dw, db = np.zeros_like(weight), np.zeros_like(self.b)
            for net in range(w["networks"]):
                np.add.at(dw, planes[:, net], dx)
                np.add.at(db, planes[:, net], d)
            if w["linear"]:
                dw[-1] += dx.sum(0)
                db[-1] += d.sum()
            self.step += 1
            u1, u2 = 1 - 0.9**self.step, 1 - 0.999**self.step
            for p, g, (m, v) in ((self.z, dw * weight, self.moments[0]), (self.b, db, self.moments[1])):
                m += np.float32(0.1) * (g - m)
                v += np.float32(0.001) * (g * g - v)
                p -= np.float32(rate) * (m / np.float32(u1)) / (np.sqrt(v / np.float32(u2)) + np.float32(2e-8))
        return {"ms": (time.perf_counter() - begin) * 1e3, "loss": loss}

    def parameters(self):
        return {"z": pack(self.z), "b": pack(self.b)}

    def model(self, folder):
        self.m = m = json.load(open(os.path.join(folder, "sizes.json")))
        n, d = m["predictRows"], m["inputs"]
        self.px = read(folder, "x")[: n * d].reshape(n, d)
        self.pw = read(folder, "model.w").reshape(-1, d)
        self.pt = np.ascontiguousarray(self.pw.T)
        self.pb = read(folder, "model.b")
        return {}

    def apply(self, x):
        m = self.m
        a = x @ self.pt
        a += self.pb
        own = m["networks"] * m["groups"] * m["hyperplanes"]
        f = a[:, :own].reshape(-1, m["networks"], m["groups"], m["hyperplanes"]).max(3).min(2).sum(1)
        return f + a[:, own] if m["linear"] else f

    def predict(self):
        begin = time.perf_counter()
        values = self.apply(self.px)
        return {"ms": (time.perf_counter() - begin) * 1e3, "values": pack(values[:256])}

    def row(self, count):
        n = self.px.shape[0]
        begin = time.perf_counter()
        for r in range(count):
            at = r % n
            float(self.apply(self.px[at : at + 1])[0])
        return {"ns": (time.perf_counter() - begin) * 1e9 / count}

    def sensitivity(self):
        begin = time.perf_counter()
        _, planes = self.active(self.m, self.px @ self.pt + self.pb)
        values = self.pw[planes].sum(1)
        if self.m["linear"]:
            values = values + self.pw[-1]
        return {"ms": (time.perf_counter() - begin) * 1e3, "values": pack(values.ravel()[:256])}


contender = Numpy() if variant == "numpy" else Torch()
for line in sys.stdin:
    command = json.loads(line)
    name = command.pop("command")
    try:
        if name == "memory":
            answer = {"bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        elif name == "model":
            answer = contender.model(command["folder"])
        else:
            answer = getattr(contender, name)(**command)
    except Exception as error:  # the driver prints it and leaves this contender out
        answer = {"error": repr(error)}
    sys.stdout.write("\x01" + json.dumps(answer) + "\n")
    sys.stdout.flush()
