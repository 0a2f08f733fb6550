package httpapi

func (a *api) recheckReaders() {}
