// filerd sorts what is posted to it by what libmagic takes it for.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"example.org/filerd/magic"
)

var version = "dev"

type config struct {
	Listen, Spool, Extensions string
}

func extensions(path string) (map[string]string, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	known := map[string]string{}
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		if kind, extension, ok := strings.Cut(scanner.Text(), "\t"); ok {
			known[kind] = extension
		}
	}
	return known, nil
}

func main() {
	path := flag.String("config", "etc/filerd.json", "configuration file")
	show := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *show {
		fmt.Println("filerd", version)
		return
	}
	text, err := os.ReadFile(*path)
	if err != nil {
		log.Fatal(err)
	}
	var conf config
	if err := json.Unmarshal(text, &conf); err != nil {
		log.Fatal(err)
	}
	known, err := extensions(conf.Extensions)
	if err != nil {
		log.Fatal(err)
	}
	library, err := magic.Open()
	if err != nil {
		log.Fatal(err)
	}

	http.HandleFunc("POST /files/{name}", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		kind, err := library.Type(data)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		extension, ok := known[kind]
		if !ok {
			extension = "bin"
		}
		name := filepath.Base(r.PathValue("name")) + "." + extension
		if err := os.WriteFile(filepath.Join(conf.Spool, name), data, 0o640); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%s %s\n", name, kind)
	})
	http.HandleFunc("GET /files", func(w http.ResponseWriter, _ *http.Request) {
		entries, _ := os.ReadDir(conf.Spool)
		for _, entry := range entries {
			fmt.Fprintln(w, entry.Name())
		}
	})
	log.Printf("filerd %s on %s", version, conf.Listen)
	log.Fatal(http.ListenAndServe(conf.Listen, nil))
}
