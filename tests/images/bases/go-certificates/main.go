package main

import (
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"time"
)

func report() string {
	_, failure := x509.SystemCertPool()
	name := "nobody known"
	if account, err := user.LookupId("0"); err == nil {
		name = account.Username
	}
	_, tmp := os.Stat("/tmp")
	return fmt.Sprintf("pool %v, %s, tmp %v, %s", failure, name, tmp, time.Unix(0, 0).Format("15:04 MST"))
}

func main() {
	if len(os.Args) > 1 {
		fmt.Println(report())
		return
	}
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, report()) })
	if err := http.ListenAndServe(":8080", nil); err != nil {
		panic(err)
	}
}
