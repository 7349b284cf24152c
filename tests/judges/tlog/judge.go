// Judges logs that Salus wrote as C2SP static files, with golang.org/x/mod/sumdb: the checkpoint's
// signature, every tile, our proofs and proofs that the library makes from our tiles.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

var passed, failed int

func check(ok bool, format string, args ...any) {
	if ok {
		passed++
		return
	}
	failed++
	fmt.Printf("FAILED: "+format+"\n", args...)
}

// tiles reads C2SP paths: tile/L/N[.p/W] where sumdb has tile/8/L/N[.p/W].
type tiles struct{ dir string }

func (t tiles) Height() int { return 8 }

func (t tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t tiles) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range want {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(t.dir, path))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func hashes(words []string) (all []tlog.Hash) {
	for _, word := range words {
		hash, err := tlog.ParseHash(word)
		if err != nil {
			panic(err)
		}
		all = append(all, hash)
	}
	return all
}

func number(word string) int64 {
	n, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		panic(err)
	}
	return n
}

func leaf(i int64) tlog.Hash { return tlog.RecordHash([]byte(strconv.FormatInt(i, 10))) }

// widest leaves out the narrower tiles that the library lists beside a partial one.
func widest(all []tlog.Tile) (kept []tlog.Tile) {
	for i, tile := range all {
		if i+1 < len(all) && all[i+1].L == tile.L && all[i+1].N == tile.N {
			continue
		}
		kept = append(kept, tile)
	}
	return kept
}

// judgeTiles asks the library which files there must be, and that there are no others.
func judgeTiles(dir string, tree tlog.Tree) {
	reader := tlog.TileHashReader(tree, tiles{dir})
	wanted := map[string]bool{"checkpoint": true, "proofs": true}
	for _, tile := range widest(tlog.NewTiles(8, 0, tree.N)) {
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		wanted[path] = true
		data, err := tlog.ReadTileData(tile, reader)
		check(err == nil, "%s %s: %v", dir, path, err)
		stored, err := os.ReadFile(filepath.Join(dir, path))
		check(err == nil && bytes.Equal(data, stored), "%s %s differs", dir, path)
		if tile.L == 0 {
			entries := strings.Replace(path, "tile/0/", "tile/entries/", 1)
			wanted[entries] = true
			judgeBundle(filepath.Join(dir, entries), tile, data)
		}
	}
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		name, _ := filepath.Rel(dir, path)
		if err == nil && !info.IsDir() {
			check(wanted[name], "%s: %s is not a file of this log", dir, name)
		}
		return nil
	})
}

// judgeBundle checks that the entries hash to the tile beside them.
func judgeBundle(path string, tile tlog.Tile, row []byte) {
	bundle, err := os.ReadFile(path)
	var hashed []byte
	for err == nil && len(bundle) >= 2 {
		n := int(binary.BigEndian.Uint16(bundle))
		if len(bundle) < 2+n {
			break
		}
		hash := tlog.RecordHash(bundle[2 : 2+n])
		hashed = append(hashed, hash[:]...)
		bundle = bundle[2+n:]
	}
	check(err == nil && len(bundle) == 0 && bytes.Equal(hashed, row), "%s: %v", path, err)
}

// judgeProofs checks our proofs, and those that the library makes from our tiles.
func judgeProofs(dir string, tree tlog.Tree) {
	reader := tlog.TileHashReader(tree, tiles{dir})
	text, err := os.ReadFile(filepath.Join(dir, "proofs"))
	if err != nil {
		panic(err)
	}
	for _, line := range strings.Split(strings.TrimSuffix(string(text), "\n"), "\n") {
		words := strings.Fields(line)
		n := number(words[1])
		switch words[0] {
		case "record":
			ours := tlog.RecordProof(hashes(words[2:]))
			err := tlog.CheckRecord(ours, tree.N, tree.Hash, n, leaf(n))
			check(err == nil, "%s: our proof of %d: %v", dir, n, err)
			theirs, err := tlog.ProveRecord(tree.N, n, reader)
			check(err == nil && fmt.Sprint(theirs) == fmt.Sprint(ours), "%s: proof of %d differs", dir, n)
			err = tlog.CheckRecord(ours, tree.N, tree.Hash, n, leaf(n+1))
			check(err != nil, "%s: proof of %d shows another entry", dir, n)
		case "tree":
			root := hashes(words[2:3])[0]
			ours := tlog.TreeProof(hashes(words[3:]))
			err := tlog.CheckTree(ours, tree.N, tree.Hash, n, root)
			check(err == nil, "%s: our proof from %d: %v", dir, n, err)
			theirs, err := tlog.ProveTree(tree.N, n, reader)
			check(err == nil && fmt.Sprint(theirs) == fmt.Sprint(ours), "%s: proof from %d differs", dir, n)
		default:
			check(false, "%s: unknown line", dir)
		}
	}
}

func judgeLog(dir string, verifier note.Verifier) {
	text, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		panic(err)
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	check(err == nil, "%s: checkpoint: %v", dir, err)
	if err != nil {
		return
	}
	check(len(opened.Sigs) == 1 && len(opened.UnverifiedSigs) == 1, "%s: signatures", dir)
	lines := strings.Split(opened.Text, "\n")
	check(lines[0] == verifier.Name(), "%s: origin", dir)
	check(filepath.Base(dir) == lines[1], "%s: size", dir)
	tree := tlog.Tree{N: number(lines[1]), Hash: hashes(lines[2:3])[0]}
	judgeTiles(dir, tree)
	judgeProofs(dir, tree)

	changed := bytes.Replace(text, []byte("\n"+lines[1]+"\n"), []byte("\n"+lines[1]+"0\n"), 1)
	_, err = note.Open(changed, note.VerifierList(verifier))
	check(err != nil, "%s: a changed size still verifies", dir)
}

func main() {
	dir := os.Args[1]
	vkey, err := os.ReadFile(filepath.Join(dir, "vkey"))
	if err != nil {
		panic(err)
	}
	verifier, err := note.NewVerifier(string(vkey))
	check(err == nil, "vkey: %v", err)
	if err == nil {
		for _, size := range []string{"1", "255", "256", "257", "70000"} {
			judgeLog(filepath.Join(dir, size), verifier)
		}
	}
	fmt.Printf("%d passed, %d failed, 0 skipped\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
