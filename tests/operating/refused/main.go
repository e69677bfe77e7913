// Sends a body that the server refuses before it has arrived, again and again, as Go's HTTP client does it: writing in one
// goroutine and reading in another. Whichever notices an end first decides what the caller is told.
//
//	refused METHOD URL BYTES TIMES
//
// Prints how often each outcome came: a status, or an error.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
)

type endless struct{ left int64 }

func (e *endless) Read(into []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	if int64(len(into)) > e.left {
		into = into[:e.left]
	}
	e.left -= int64(len(into))
	return len(into), nil
}

func main() {
	size, err := strconv.ParseInt(os.Args[3], 10, 64)
	if err != nil {
		panic(err)
	}
	times, err := strconv.Atoi(os.Args[4])
	if err != nil {
		panic(err)
	}
	outcomes := map[string]int{}
	for i := 0; i < times; i++ {
		// A body without a stated length goes out in chunks, as streamed layers do.
		request, err := http.NewRequest(os.Args[1], os.Args[2], io.NopCloser(&endless{size}))
		if err != nil {
			panic(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			outcomes[err.Error()]++
			continue
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		outcomes[strconv.Itoa(response.StatusCode)]++
	}
	for outcome, count := range outcomes {
		fmt.Println(count, outcome)
	}
}
